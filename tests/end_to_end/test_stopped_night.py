"""A night that a person stops, and one that fails: what each says, and that an earlier night's brain is not
its answer."""

import json
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import dagster as dg

from huracan_resources.lake.store import LocalStore
from tests.end_to_end.command import DAY, Home, command
from tests.end_to_end.conftest import MakeHome
from tests.end_to_end.night import Night


def _hear_ctrl_c() -> None:
    """In the process that is started: one that was itself started in the background ignores it, and so would
    its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _stop_while_it_trains(home: Home) -> tuple[int, str]:
    """Ctrl-C, as a terminal sends it to the whole group, when the training says that it starts."""
    process = subprocess.Popen(
        command("nightly", "--date", DAY.isoformat()),
        env=home.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=home.path,
        start_new_session=True,
        preexec_fn=_hear_ctrl_c,
    )
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if line.startswith("ppo_checkpoint"):
            process.send_signal(signal.SIGINT)
            break
    return process.wait(60), said + process.stderr.read()


def test_ctrl_c_says_how_far_it_was_and_the_same_command_goes_on(
    make_home: MakeHome, after_first_night: Night
) -> None:
    home = make_home()
    shutil.copytree(after_first_night.left / "lake", home.path / "lake")
    for asset in ("ppo_checkpoint", "brain_evaluation", "baseline_brain"):
        shutil.rmtree(home.path / "lake" / asset / f"day={DAY.isoformat()}")
    code, said = _stop_while_it_trains(home)
    assert code == 130, said
    assert re.fullmatch(
        r"huracan: Stopped at \d+%\. What is done stays done; the same command goes on\.",
        said.splitlines()[-1],
    )
    with home.instance() as instance:
        (stopped,) = instance.get_runs(dg.RunsFilter(job_name="learn"))
        assert stopped.status == dg.DagsterRunStatus.FAILURE
    again = home.run("nightly", "--date", DAY.isoformat(), "--json")
    assert again.code == 0 and again.hashes == after_first_night.answer.hashes, again.err


def test_ctrl_c_ends_a_question_that_takes_long_and_nothing_is_drawn_meanwhile(home: Home) -> None:
    process = subprocess.Popen(
        command("sql", "SELECT count(*) FROM ohlcv a, ohlcv b, ohlcv c WHERE a.close < b.close"),
        env=home.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_hear_ctrl_c,
    )
    try:
        time.sleep(6.0)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60) == ("", "huracan: Stopped.\n")
    finally:
        process.kill()
    assert process.returncode == 130


def test_a_night_that_fails_does_not_answer_with_the_brain_that_was_there(
    make_home: MakeHome, after_first_night: Night
) -> None:
    home = make_home(after_first_night)
    manifest = home.lake.manifest("shadow_trades", DAY)
    assert manifest is not None and isinstance(home.lake.store, LocalStore)
    data = manifest.files["data.parquet"].stored_as
    Path(home.lake.store.root / f"shadow_trades/day={DAY.isoformat()}/{data}").write_bytes(b"damaged")
    failed = home.call(
        "nightly", "--date", DAY.isoformat(), "--json", "--set", "market.costs.taker_fee_bps=0.6"
    )
    assert failed.code == 1
    told = json.loads(failed.out)
    assert not told["is_success"] and told["traded"] is None
    assert told["brain"] == {"verdict": "none", "reasons": ["The night did not get there."]}
    assert "shadow_trades" not in told["assets"] and "regimes" in told["assets"]
