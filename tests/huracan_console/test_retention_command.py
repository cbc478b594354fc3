"""`huracan retention`: what would go, what went, and what it refuses."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from huracan_resources.lake.parquet import encode_table
from tests.end_to_end.command import Home
from tests.made_once import NewHome

NEWEST = date(2025, 6, 30)
NIGHTS = 100


@pytest.fixture(scope="module")
def filled(new_home: NewHome) -> Iterator[Home]:
    """A hundred nights with a trade and three signals each."""
    with new_home() as path:
        yield _filled(Home(path))


def _filled(home: Home) -> Home:
    signals = encode_table(pa.table({"symbol": ["BTC/USDT"] * 3}))
    for back in range(NIGHTS):
        files = {
            "data.parquet": encode_table(pa.table({"trade_id": [str(back)]})),
            "signals.parquet": signals,
        }
        home.lake.write("shadow_trades", NEWEST - timedelta(days=back), files)
    return home


def _told(home: Home, *words: str) -> dict[str, Any]:
    answer = home.call("retention", *words, "--json")
    assert answer.code == 0, answer.out + answer.err
    return answer.summary


def test_dry_run_first_then_the_same_is_deleted_and_a_second_time_nothing(filled: Home) -> None:
    before = filled.partitions()
    would = _told(filled, "--dry-run")
    assert filled.partitions() == before
    assert would["newest_night"] == "2025-06-30" and would["is_dry_run"]
    (line,) = would["tables"]
    assert line["bytes"] > 1000 and {**line, "bytes": 0} == {
        "kind": "lake",
        "table": "shadow_signals",
        "rows": 30,
        "files": 10,
        "bytes": 0,
        "first_day": "2025-03-23",
        "last_day": "2025-04-01",
        "kept_from": "2025-04-02",
    }
    shown = filled.call("retention", "--dry-run").out
    assert "shadow_signals" in shown and "would be deleted" in shown and "2025-04-02" in shown
    with filled.instance() as instance:
        run = instance.create_run_for_job(_market(), status=dg.DagsterRunStatus.STARTED, tags=_ours())
        refused = filled.call("retention")
        assert refused.code == 1 and f"under way: market {run.run_id}" in refused.err
        assert filled.partitions() == before
        instance.report_run_canceled(run)
    assert _told(filled)["tables"] == would["tables"]
    assert len(filled.partitions()) == len(before) - 10
    assert _told(filled)["tables"] == []
    with filled.database.connect() as connection:
        reported = connection.execute("SELECT sum(rows), sum(files) FROM retention_report").fetchone()
    assert reported == (30, 10)
    assert "Nothing has aged out" in filled.call("retention", "--dry-run").out


def _market() -> dg.JobDefinition:
    @dg.job
    def market() -> None:
        return None

    return market


def _ours() -> dict[str, str]:
    """The tag of a run whose console, this process, is alive."""
    from huracan_console.runs import WORKER_TAG, worker_identity

    return {WORKER_TAG: worker_identity()}


def test_a_day_to_come_and_days_too_few_are_wrong_use(filled: Home) -> None:
    tomorrow = filled.call("retention", "--dry-run", "--date", "2999-01-01")
    assert tomorrow.code == 2 and "2999-01-01 has not begun yet" in tomorrow.err
    short = filled.call("retention", "--dry-run", "--set", "retention.lake.shadow_signals=20")
    assert short.code == 2 and "Set retention.lake.shadow_signals to" in short.err
    unknown = filled.call("retention", "--set", "retention.lake.shadow_signal=90")
    assert unknown.code == 2 and "Did you mean retention.lake.shadow_signals?" in unknown.err


def test_doctor_says_how_long_tables_are_kept_and_which_setting_is_too_short(filled: Home) -> None:
    findings = {each["part"]: each for each in json.loads(filled.call("doctor", "--json").out)}
    assert findings["retention"]["is_ok"] and "lake.shadow_signals 90" in findings["retention"]["found"]
    answer = filled.call("doctor", "--json", "--set", "retention.lake.shadow_signals=20")
    (short,) = [each for each in json.loads(answer.out) if each["part"] == "retention"]
    assert not short["is_ok"] and "needs the last" in short["found"]
