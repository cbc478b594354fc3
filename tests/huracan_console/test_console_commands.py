"""The commands in this process: what doctor finds, what config show hides, and how errors are told."""

import json
import os
import tomllib
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

import huracan
from huracan.brain.bundle import build_bundle
from huracan.brain.signature import generate_key_pair
from huracan.candles.schema import Timeframe
from huracan.candles.simulate import SimulatedMarket, SimulatedMarketConfig
from huracan.promotion.champion import PROMOTE, Act, row_of
from huracan.promotion.trial_rows import TrialRow
from huracan_console.configuring.given import read_settings, source_overrides
from huracan_console.main import main
from huracan_console.summary import brain_of
from huracan_resources.brains import LATEST, bundle_key, point_latest, write_bundle
from huracan_resources.database.database import Database
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings
from tests.huracan.brain.conftest import ACTIONS, make_parts, make_policy
from tests.inbox import open_inbox

DAY = date(2025, 6, 30)
PRIVATE, _ = generate_key_pair()

SECRETS = {
    "DATABASE_URL": "postgresql://me:hunter2@db.example/huracan",
    "HURACAN_EXCHANGE_API_KEY": "api-key-4711",
    "HURACAN_EXCHANGE_SECRET": "api-secret-4711",
    "HURACAN_SIGNING_KEY": "signing-4711",
    "HURACAN_ALERT_URLS": "tgram://token-4711/chat",
}


def _invoke(*words: str, **variables: str) -> Result:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HURACAN", "DATABASE"))}
    with mock.patch.dict(os.environ, kept | {"HURACAN_HOME": "/nowhere"} | variables, clear=True):
        return CliRunner().invoke(main, words)


def test_doctor_finds_every_part_well_on_a_healthy_machine(database: Database) -> None:
    result = _invoke("doctor", "--json", HURACAN_HOME=str(database.home))
    findings = {each["part"]: each for each in json.loads(result.stdout)}
    assert result.exit_code == 0, findings
    assert all(each["is_ok"] and each["found"] for each in findings.values())
    assert {"database", "lake", "brains", "trial ledger", "candle source", "disk", "alerts"} <= set(findings)
    assert "pgvector 0" in findings["database"]["found"]
    assert "simulated: 1440 candles of BTC/USDT" in findings["candle source"]["found"]
    assert not list((database.home / "lake").rglob("probe"))


def test_doctor_says_which_days_a_folder_of_files_holds_and_which_night_it_is_good_for(
    database: Database, tmp_path: Path
) -> None:
    market = SimulatedMarket(SimulatedMarketConfig(), ("BTC/USDT",), Timeframe("1m"))
    candles = pa.concat_tables([market.fetch_day("BTC/USDT", date(2025, 3, day)) for day in (1, 2)])
    pq.write_table(candles, tmp_path / "BTC-USDT_1m.parquet")
    words = ("--set", "source.kind=files", "--set", f"source.files.directory={tmp_path}")
    symbols = ("--set", "universe.symbols=BTC/USDT")
    told = json.loads(_invoke("doctor", "--json", *words, *symbols, HURACAN_HOME=str(database.home)).stdout)
    (source,) = [each for each in told if each["part"] == "candle source"]
    assert source["is_ok"] and source["found"] == (
        "files: BTC/USDT 2025-03-01 to 2025-03-02; its last night is huracan nightly --date 2025-03-02"
    )


def test_doctor_says_what_is_broken_and_what_to_do_and_still_looks_at_the_rest(tmp_path: Path) -> None:
    broken = {
        "HURACAN_HOME": str(tmp_path),
        "DATABASE_URL": "postgresql://nobody:hunter2@127.0.0.1:1/x",
        "HURACAN__SOURCE__KIND": "files",
        "HURACAN__SOURCE__FILES__DIRECTORY": str(tmp_path / "none"),
        "HURACAN_ALERT_URLS": "nonsense://hunter2, json://127.0.0.1:1/x, nonsense://hunter2/again",
    }
    result = _invoke("doctor", "--json", **broken)
    findings = {each["part"]: each for each in json.loads(result.stdout)}
    assert result.exit_code == 1
    bad = {part: each for part, each in findings.items() if not each["is_ok"]}
    assert set(bad) == {"database", "trial ledger", "candle source", "alerts"}
    alerts = bad["alerts"]
    assert [f"number {number} " in alerts["found"] for number in (1, 2, 3, 4)] == [True, True, True, False]
    assert alerts["remedy"].count("HURACAN_ALERT_URLS") == 1 and "the network" in alerts["remedy"]
    assert all(each["remedy"] for each in bad.values())
    assert "hunter2" not in result.output
    lines = _invoke("doctor", **broken).stdout.splitlines()
    assert len(lines) == len(findings)
    assert sum(line.startswith("BAD ") for line in lines) == 4


def test_doctor_names_a_folder_without_a_day_and_a_pointer_that_is_damaged(tmp_path: Path) -> None:
    stray = tmp_path / "lake" / "ohlcv" / "day=garbage"
    stray.mkdir(parents=True)
    (stray / "manifest.json").write_text("{}")
    (tmp_path / "brains").mkdir()
    (tmp_path / "brains" / LATEST).write_text('{"day": "2025-03-')
    variables = {"HURACAN_HOME": str(tmp_path), "DATABASE_URL": "postgresql://127.0.0.1:1/x"}
    findings = {each["part"]: each for each in json.loads(_invoke("doctor", "--json", **variables).stdout)}
    assert findings["lake"]["is_ok"] and "ohlcv/day=garbage" in findings["lake"]["found"]
    assert not findings["brains"]["is_ok"]
    assert "latest.json is damaged" in findings["brains"]["found"] and findings["brains"]["remedy"]


def test_doctor_loads_the_latest_brain(tmp_path: Path) -> None:
    files = build_bundle(make_parts(make_policy(ACTIONS, None)), PRIVATE)
    settings = load_settings(environ={"HURACAN_HOME": str(tmp_path)})
    resources, brain_id = Resources(settings), json.loads(files["manifest.json"])["brain_id"]
    bundle = Path(write_bundle(resources.brains, DAY, brain_id, files))
    act = Act(PROMOTE, "p", "It is good.", True, brain_id, bundle_key(DAY, brain_id), DAY)
    point_latest(resources.brains, [TrialRow.after([], "decision", "k", row_of(act, DAY, "", "", None))])

    def found(key: str) -> dict[str, Any]:
        variables = {"HURACAN_HOME": str(tmp_path), "HURACAN_SIGNING_KEY": key}
        broken = {"DATABASE_URL": "postgresql://127.0.0.1:1/x"}
        findings = json.loads(_invoke("doctor", "--json", **variables, **broken).stdout)
        return next(each for each in findings if each["part"] == "brains")

    assert found(PRIVATE)["is_ok"] and f"latest is {brain_id}, which loads" in found(PRIVATE)["found"]
    assert "was not signed by the given key" in found(generate_key_pair()[0])["found"]
    (bundle / "golden.json").unlink()
    assert "lacks the file golden.json" in found(PRIVATE)["found"]


def test_the_summary_of_a_night_is_told_though_the_pointer_is_damaged(tmp_path: Path) -> None:
    resources = Resources(load_settings(environ={"HURACAN_HOME": str(tmp_path)}))
    brain = {"brain_id": "b1", "verdict": "refused", "reasons": [], "bundle": "2025/06/30/baseline_b1"}
    resources.lake.write("baseline_brain", DAY, {"brain.json": json.dumps(brain).encode()})
    resources.brains.put(LATEST, b"{")
    told = brain_of(resources, DAY)
    assert told["is_latest"] is False and told["latest"] is None
    assert "latest.json is damaged" in told["latest_error"]


def test_doctor_goes_through_all_its_lines_whatever_one_meets(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> str:
        raise LookupError("of no kind that was foreseen\nsecond line")

    monkeypatch.setattr("huracan_console.doctor._source", broken)
    found = _invoke("doctor", "--json", HURACAN_HOME=str(database.home))
    findings = {each["part"]: each for each in json.loads(found.stdout)}
    assert found.exit_code == 1 and list(findings)[-1] == "alerts"
    assert [part for part, each in findings.items() if not each["is_ok"]] == ["candle source"]
    assert findings["candle source"]["found"] == "LookupError: of no kind that was foreseen."


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("AWS_PROFILE", "nosuch", "AWS_PROFILE names the profile 'nosuch'"),
        ("HURACAN__STORAGE__S3_ENDPOINT_URL", "minio:9000", "s3_endpoint_url has no scheme"),
        ("HURACAN__STORAGE__LAKE_URL", "s3://bucket/lake?region=eu", "more than a bucket and a prefix"),
    ],
)
def test_doctor_says_what_is_wrong_with_s3(database: Database, name: str, value: str, words: str) -> None:
    place = {"HURACAN_HOME": str(database.home), "HURACAN__STORAGE__LAKE_URL": "s3://bucket/lake"}
    result = _invoke("doctor", "--json", **{**place, "AWS_EC2_METADATA_DISABLED": "true", name: value})
    (lake,) = [each for each in json.loads(result.stdout) if each["part"] == "lake"]
    assert not lake["is_ok"] and words in lake["found"] and lake["remedy"]


def test_doctor_probes_alert_addresses_and_shows_none_of_them(database: Database) -> None:
    for text in ("not a hunter2 url", "json://hunter2:hunter2@127.0.0.1:1/hunter2"):
        result = _invoke("doctor", HURACAN_HOME=str(database.home), HURACAN_ALERT_URLS=text)
        assert result.exit_code == 1 and "hunter2" not in result.output
        (bad,) = [line for line in result.stdout.splitlines() if line.startswith("BAD ")]
        assert bad.startswith("BAD alerts ") and "number 1" in bad


@pytest.mark.slow
def test_alert_test_sends_one_message_and_says_who_took_it() -> None:
    with open_inbox() as box:
        text = f"json://127.0.0.1:{box.server_port}/a, json://127.0.0.1:1/hunter2"
        result = _invoke("alert", "test", HURACAN_ALERT_URLS=text)
        assert result.exit_code == 1 and len(box.messages) == 1 and "hunter2" not in result.output
        assert result.stdout == "ok  number 1 (json)\nBAD number 2 (json) did not take the message.\n"
        alone = _invoke("alert", "test", "--json", HURACAN_ALERT_URLS=text.partition(",")[0])
        assert alone.exit_code == 0 and json.loads(alone.stdout) == {"addresses": {"number 1 (json)": True}}
    nobody = _invoke("alert", "test")
    assert nobody.exit_code == 2 and "No alert address is set." in nobody.stderr


@pytest.mark.parametrize("words", [("config", "show"), ("config", "show", "--json")])
def test_config_show_hides_every_secret_and_says_where_it_came_from(words: tuple[str, ...]) -> None:
    result = _invoke(*words, **SECRETS)
    assert result.exit_code == 0
    for secret in ("hunter2", "4711"):
        assert secret not in result.output
    assert "environment HURACAN_EXCHANGE_SECRET" in result.output and "********" in result.output


def test_config_show_as_json_has_every_setting_with_its_origin() -> None:
    shown = json.loads(
        _invoke(
            "config", "show", "--json", "--set", "universe.symbols=[ETH/USDT, BTC/USDT]", HURACAN_HOME="/h"
        ).stdout
    )
    assert shown["universe.symbols"] == {"value": "ETH/USDT, BTC/USDT", "origin": "command line"}
    assert shown["storage.home"] == {"value": "/h", "origin": "environment HURACAN_HOME"}
    assert shown["training.window_days"]["origin"] == "profiles/local.yaml, line 6"
    assert shown["market.costs.taker_fee_bps"] == {"value": "not set", "origin": "default"}


def test_an_error_as_json_is_one_object_with_what_and_remedy() -> None:
    result = _invoke("config", "show", "--json", "--set", "universe.simbols=x")
    assert result.exit_code == 2
    told = json.loads(result.stdout)
    assert "universe.simbols is unknown" in told["error"] and "universe.symbols" in told["remedy"]
    assert result.stderr == ""


def test_an_error_does_not_steer_the_terminal() -> None:
    folder = {"HURACAN_CONFIG_DIR": "/\x1b[31m"}
    for words in (("config", "show"), ("trade", "--\x1b[31m")):
        result = CliRunner().invoke(main, words, color=True, env=folder)
        assert result.exit_code == 2
        assert "\x1b" not in result.stderr and "\\x1b[31m" in result.stderr


def test_with_verbose_the_traceback_is_shown() -> None:
    result = _invoke("config", "show", "--verbose", "--set", "universe.simbols=x")
    assert result.exit_code == 2
    assert "Traceback (most recent call last)" in result.stderr
    assert result.stderr.splitlines()[-1].startswith(
        "huracan: the command line: the setting universe.simbols"
    )


def test_help_is_shown_for_no_word_and_for_help_and_only_the_first_is_wrong_use() -> None:
    bare, asked = _invoke(), _invoke("--help")
    assert (bare.exit_code, asked.exit_code) == (2, 0)
    assert "Usage:" in bare.output and "nightly" in asked.output


def test_the_version_is_the_one_that_the_project_says() -> None:
    project = tomllib.loads((Path(huracan.__file__).parents[1] / "pyproject.toml").read_text())
    assert huracan.__version__ == project["project"]["version"]
    assert _invoke("--version").stdout == f"huracan {huracan.__version__}\n"
    assert not hasattr(huracan, "__versions__")


def test_a_source_in_one_word_becomes_settings() -> None:
    assert source_overrides("simulated") == {"source.kind": "simulated"}
    assert source_overrides("files:/a:b") == {"source.kind": "files", "source.files.directory": "/a:b"}
    assert source_overrides("ccxt:kraken") == {"source.kind": "ccxt", "source.ccxt.exchange": "kraken"}


def test_the_last_of_two_settings_of_one_key_holds_and_a_list_may_be_written_in_brackets() -> None:
    words = ("schedule.hour=3", "schedule.hour=4", "universe.symbols=[BTC/USDT, ETH/USDT]")
    settings = read_settings(words)
    assert settings.schedule.hour == 4
    assert settings.universe.symbols == ("BTC/USDT", "ETH/USDT")
