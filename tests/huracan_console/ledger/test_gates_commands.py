"""`huracan gates` and `huracan gate`: what nights with judged signals tell, and what there is not."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from huracan_console.main import main
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings
from tests.judged_nights import TRADES, fill_night, run_gate_stats

FIRST = date(2025, 3, 1)
LAST = FIRST + timedelta(days=7)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight nights with signals, and one without; before the third somebody made a threshold higher."""
    path = tmp_path_factory.mktemp("home")
    for back in range(8):
        said = {"gates.cost.buffer_bps": 5.0 if back < 2 else 7.5}
        resources = Resources(load_settings(said, {"HURACAN_HOME": str(path)}))
        fill_night(resources, FIRST + timedelta(days=back))
        run_gate_stats(resources, FIRST + timedelta(days=back))
    resources.lake.write("gate_stats", LAST + timedelta(days=1), {}, note="No signal was judged.")
    return path


def _call(home: Path, *words: str) -> Result:
    return CliRunner().invoke(main, words, env={"HURACAN_HOME": str(home)})


def _json(home: Path, *words: str) -> Any:
    answer = _call(home, *words, "--json")
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def test_the_newest_night_with_signals_is_shown_gate_by_gate(home: Path) -> None:
    rows = {row["gate"]: row for row in _json(home, "gates", "--trailing", "7")}
    assert set(rows) == {"harms", "silent", "combined"}
    assert {row["day"] for row in rows.values()} == {LAST.isoformat()}
    assert rows["harms"]["judged"] == 7 * TRADES and rows["harms"]["always"] == "refuses"
    assert rows["harms"]["saved_high_bps"] < 0.0 and rows["harms"]["harm_evidence"] > 20.0
    lines = _call(home, "gates").output.splitlines()
    assert lines[0].startswith(f"Gates on {LAST}, 30 trailing nights")
    (harms,) = [line for line in lines if line.startswith("harms")]
    row = next(each for each in _json(home, "gates") if each["gate"] == "harms")
    assert f"{row['saved_bps']:+.2f}" in harms and "always refuses" in harms and "advisory" in harms
    assert f"{row['refused_winners']}/{row['refused_losers']}" in harms
    assert f"{row['saved_low_bps']:+.2f} to {row['saved_high_bps']:+.2f}" in harms


def test_an_earlier_night_is_shown_as_it_was(home: Path) -> None:
    rows = {row["gate"]: row for row in _json(home, "gates", "--date", FIRST.isoformat(), "--trailing", "1")}
    assert rows["harms"]["judged"] == TRADES and rows["harms"]["harm_nights"] == 1


def test_one_gate_tells_its_worth_what_is_proposed_and_its_answers(home: Path) -> None:
    told = _json(home, "gate", "harms")
    assert [row["nights"] for row in told["trailing"]] == [1, 7, 30] and len(told["proposals"]) == 1
    assert len(told["answers"]) == TRADES and {row["verdict"] for row in told["answers"]} == {"block"}
    assert all(row["net_bps"] is not None for row in told["answers"])
    output = _call(home, "gate", "harms").output
    assert (
        "By the policy book: Its threshold is none that a setting moves." in output and "Governor: " in output
    )
    assert output.count("block") >= TRADES


def test_what_was_changed_is_told_beneath_the_gates_of_the_nights_and_of_each_gate(home: Path) -> None:
    third = FIRST + timedelta(days=2)
    told = (
        f"Changed on {third}, gates.cost.buffer_bps: 7.5 where it was 5.0 (configured)."
        " The configuration says 7.5 where it said 5.0."
    )
    assert told in _call(home, "gates").output
    # The last seven of the eight nights hold it, the last one alone does not, nor the two before it.
    assert told in _call(home, "gates", "--trailing", "7").output
    assert "Changed on" not in _call(home, "gates", "--trailing", "1").output
    before = _call(home, "gates", "--date", (third - timedelta(days=1)).isoformat())
    assert before.exit_code == 0 and "Changed on" not in before.output
    (change,) = _json(home, "gate", "cost")["changes"]
    assert (change["day"], change["setting"]) == (third.isoformat(), "gates.cost.buffer_bps")
    assert (change["old_value"], change["new_value"], change["cause"]) == ("5.0", "7.5", "configured")
    output = " ".join(_call(home, "gate", "cost").output.split())
    assert "Changes" in output and "The threshold is configured anew." in output
    assert _json(home, "gate", "harms")["changes"] == []
    assert "Changes" not in _call(home, "gate", "harms").output


def test_why_of_one_trade_says_what_would_have_had_to_be_different(home: Path) -> None:
    trade = f"{LAST}-3"
    (answer,) = _json(home, "gate", "harms", "--trade", trade)["answers"]
    assert answer["trade_id"] == trade and answer["verdict"] == "block"
    assert "does not hang on one number" in answer["otherwise"]
    output = _call(home, "gate", "combined", "--trade", trade).output
    assert "if none of the gates that are named had blocked it" in " ".join(output.split())
    assert "Blocked by harms" in output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gates", "--trailing", "5"], "No night tells of 5 trailing nights. Ask for 1, 7, 30."),
        (["gates", "--date", "2025-03-09"], "2025-03-09: No signal was judged."),
        (["gates", "--date", "2024-01-01"], "No day that was asked for holds gate_stats_trailing"),
        (["gate", "harm"], "There is no gate 'harm'. Did you mean 'harms'?"),
        (
            ["gate", "cost", "--trade", "2025-03-01-1"],
            "The gate cost was not asked about trade 2025-03-01-1.",
        ),
        (["gate", "harms", "--trade", "zzz"], "No trade's identity begins with 'zzz'."),
        (["gate", "harms", "--trade", "2025", "--date", "2025-03-01"], "--date was given beside --trade."),
    ],
)
def test_what_there_is_not_is_wrong_use(home: Path, words: list[str], said: str) -> None:
    answer = _call(home, *words)
    assert answer.exit_code == 2 and said in " ".join(answer.output.split()), answer.output


def test_an_empty_home_says_what_to_do(tmp_path: Path) -> None:
    answer = _call(tmp_path, "gates")
    assert answer.exit_code == 2 and "No night has told yet what gates are worth." in answer.output
