"""The verdict of a night as its asset writes it: what counts, what does not, and what it says of it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from huracan.market.ledger import FILLS_SCHEMA, TRADES_SCHEMA
from huracan.market.paper.guarded_columns import GUARDED_SESSION_COLUMNS
from huracan.market.paper.open_columns import OPEN_POSITIONS_SCHEMA
from huracan.promotion import procedure as procedures
from huracan.promotion.champion import BY_NIGHT, DECAY, DEMOTE, PROMOTE, Act, row_of
from huracan.promotion.procedure import Procedure
from huracan.promotion.trial_rows import DAY as DAY_KIND
from huracan.tables import arrow_schema
from huracan_assets.brain.baseline_brain import baseline_brain
from huracan_assets.brain.brain_evaluation import brain_evaluation
from huracan_assets.inputs.paper_result import PaperResult
from huracan_assets.reads import Inputs, resolve_all
from huracan_assets.stage import Outcome, StageContext
from huracan_resources.database.database import Database
from huracan_resources.lake.manifest import Origin
from huracan_resources.lake.parquet import encode_table
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings
from tests.huracan.promotion.test_evidence import day as day_result

DAY = date(2025, 3, 20)
MINE = Procedure({"market.handover": "04:00"}, "b" * 64, ("BTC/USDT",))


def _report(day: date) -> dict[str, object]:
    return {
        "model_id": f"policy of {day}",
        "seed": 1,
        "held_out": {
            "first_day": (day - timedelta(days=6)).isoformat(),
            "daily_net_usd": [1.0, -1.0] * 3 + [2.0],
        },
        "seeds": {
            **{"count": 3, "net_usd_mean": 200.0, "net_usd_std": 9.0},
            **{"net_usd_lowest": 90.0, "net_usd_highest": 300.0},
        },
    }


@pytest.fixture
def resources(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Resources]:
    """A home whose procedure is known; what the rivals made is looked at elsewhere."""
    made = Resources(load_settings(environ={"HURACAN_HOME": str(tmp_path)}))
    made.__dict__["database"] = database
    monkeypatch.setattr("huracan_resources.procedures.procedure_in_force", lambda *_: MINE)
    monkeypatch.setattr(PaperResult, "_rival_gross_usd", lambda *_: 0.0)
    yield made
    with database.connect() as connection:
        connection.execute("DELETE FROM trials")


def _night(resources: Resources, day: date, result_usd: float | None = None, **marks: object) -> Outcome:
    """The night of a day that came to a result on paper; None: it was not traded."""
    lake, origin = resources.lake, Origin(remade=bool(marks.get("remade")))
    for asset in ("ohlcv", "market_costs", "features", "regimes"):
        lake.write(
            asset, day, {"notes.txt": b"candles"} if asset == "ohlcv" else {}, note="Not looked at here."
        )
    has_policy = marks.get("has_policy", True)
    report = {"report.json": json.dumps(_report(day)).encode()} if has_policy else {}
    lake.write("ppo_checkpoint", day, report, origin=origin, note="" if has_policy else "It diverged.")
    if result_usd is not None:
        lake.write("gated_trades", day, _book(day, result_usd))
    inputs = resolve_all(lake, brain_evaluation.reads, day, resources.settings)
    context = StageContext("brain_evaluation", day, resources.settings, resources, "")
    return brain_evaluation.body(inputs, context)


def _book(day: date, result_usd: float) -> dict[str, bytes]:
    bar = {
        "symbol": "BTC/USDT",
        "open_time": pa.scalar(day, pa.date32()).cast(pa.timestamp("ms", "UTC")).as_py(),
        **{"cash_usd": 10_000.0 + result_usd, "position_value_usd": 0.0, "equity_usd": 10_000.0 + result_usd},
        **{"result_usd": result_usd, "exposure": 0.0, "costs_usd": 1.0, "drawdown_bps": 0.0},
    }
    session = pa.Table.from_pylist([bar], schema=arrow_schema(GUARDED_SESSION_COLUMNS))
    tables = {
        "data": TRADES_SCHEMA.empty_table(),
        "fills": FILLS_SCHEMA.empty_table(),
        "session": session,
        "open_positions": OPEN_POSITIONS_SCHEMA.empty_table(),
    }
    return {f"{name}.parquet": encode_table(table) for name, table in tables.items()}


def _reasons(outcome: Outcome) -> list[str]:
    (row,) = outcome.tables["data"].to_pylist()
    return list(json.loads(row["reasons"]))


def test_the_first_night_registers_its_procedure_and_says_what_it_takes(resources: Resources) -> None:
    outcome = _night(resources, DAY)
    said = " ".join(_reasons(outcome))
    assert "Procedure 1" in said and "no day of evidence yet" in said and "It needs evidence of 40" in said
    kinds = [row.kind for row in resources.trials.rows()]
    assert kinds == ["procedure", "night"]
    for result in (None, 5.0):
        assert "no one procedure" not in " ".join(_reasons(_night(resources, DAY, result)))
    assert str(outcome.metadata["evidence"]).startswith("not drawn")


def test_a_day_counts_for_the_procedure_of_the_night_before_and_only_as_first_recorded(
    resources: Resources,
) -> None:
    _night(resources, DAY)
    after = DAY + timedelta(days=1)
    first = _night(resources, after, 5.0)
    (day,) = [row for row in resources.trials.rows() if row.kind == DAY_KIND]
    assert day.content["procedure"] == MINE.digest and day.content["result_usd"] == 5.0
    assert "has 1 day of evidence" in " ".join(_reasons(first))
    again = _night(resources, after, -7.0)
    assert any("came to -7.00 USD when it was made again" in reason for reason in _reasons(again))
    (same,) = [row for row in resources.trials.rows() if row.kind == DAY_KIND]
    assert same == day


def test_a_day_with_candles_that_was_not_traded_is_lost_until_it_is_repaired(resources: Resources) -> None:
    _night(resources, DAY)
    for number, result in ((1, 5.0), (2, None), (3, 5.0)):
        outcome = _night(resources, DAY + timedelta(days=number), result)
    told = " ".join(_reasons(outcome))
    assert "has 2 days of evidence" in told and "1 more were not traded by its own fault" in told
    _night(resources, DAY + timedelta(days=2), 5.0)
    repaired = " ".join(_reasons(_night(resources, DAY + timedelta(days=3), 5.0)))
    assert "has 3 days of evidence" in repaired and "own fault" not in repaired


def test_another_procedure_gets_the_next_number_and_a_higher_bar(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    _night(resources, DAY)
    other = procedures.Procedure({"market.handover": "05:00"}, "b" * 64, ("BTC/USDT", "ETH/USDT"))
    monkeypatch.setattr("huracan_resources.procedures.procedure_in_force", lambda *_: other)
    said = " ".join(_reasons(_night(resources, DAY + timedelta(days=1), 5.0)))
    assert "Procedure 2" in said and "It needs evidence of 120" in said
    # The day after the change was decided by both until the handover: it is nobody's.
    mixed = _night(resources, DAY + timedelta(days=2), 5.0)
    assert any("of no one procedure alone" in reason for reason in _reasons(mixed))


def _decided(resources: Resources, act: Act, day: date, by: str = BY_NIGHT) -> None:
    resources.trials.append("decision", f"{day}:{act.act}", row_of(act, day, "", by, None))


def _acts(outcome: Outcome) -> list[str]:
    return [each["act"] for each in json.loads(outcome.files["decisions.json"])]


def test_the_champions_newest_brain_comes_into_force_until_a_person_ends_it(resources: Resources) -> None:
    _decided(resources, Act(PROMOTE, MINE.digest, "It earned.", True, "b1", "k", DAY), DAY)
    assert _acts(_night(resources, DAY + timedelta(days=1))) == ["in_force"]
    # A person decides after the day of the night that comes next, and before it runs.
    _decided(resources, Act(DEMOTE, None, "I saw it.", ended=MINE.digest), DAY + timedelta(days=9), "me@here")
    after = _night(resources, DAY + timedelta(days=2))
    assert _acts(after) == [] and "Nothing comes into force" in " ".join(_reasons(after))


def _lost(resources: Resources, days: int) -> None:
    for number in range(days):
        result = replace(day_result(0, -8.0), day=DAY + timedelta(days=1 + number))
        content = {"procedure": MINE.digest, **result.plain()}
        resources.trials.append(DAY_KIND, f"{MINE.digest}:{result.day}", content)


def test_a_champion_that_loses_is_demoted_on_a_night_without_a_policy_too(resources: Resources) -> None:
    _decided(resources, Act(PROMOTE, MINE.digest, "It earned.", True, "b1", "k", DAY), DAY)
    last = DAY + timedelta(days=40)
    stays = _night(resources, last, has_policy=False)
    assert stays.files == {} and stays.note.endswith("No policy was trained, so what is in force stays.")
    _lost(resources, 40)
    ends = _night(resources, last, has_policy=False)
    assert _acts(ends) == [DECAY] and "nothing is in force" in ends.note
    manifest = resources.lake.write("brain_evaluation", last, ends.files, note=ends.note)
    context = StageContext("baseline_brain", last, resources.settings, resources, "")
    brain = baseline_brain.body(Inputs(resources.lake, {"brain_evaluation": [manifest]}), context)
    assert brain.note == ends.note and brain.publish is not None
    assert brain.publish() == {"in_force": "nothing"}
    assert resources.trials.rows()[-1].content["ended"] == MINE.digest


def test_a_night_of_before_changes_nothing_that_a_later_one_decided(resources: Resources) -> None:
    later = DAY + timedelta(days=3)
    _decided(resources, Act(PROMOTE, MINE.digest, "It earned.", True, "b3", "k", later), later)
    outcome = _night(resources, DAY)
    assert _acts(outcome) == [] and "A later night has decided" in " ".join(_reasons(outcome))


def test_weights_that_were_remade_never_come_into_force(resources: Resources) -> None:
    outcome = _night(resources, DAY, remade=True)
    assert any("remade after its night" in reason for reason in _reasons(outcome))


def test_in_mode_research_nothing_is_recorded_and_nothing_promoted(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    research = load_settings({"mode": "research"}, {"HURACAN_HOME": str(resources.settings.storage.home)})
    monkeypatch.setattr(resources, "settings", research)
    outcome = _night(resources, DAY)
    assert "takes no number" in " ".join(_reasons(outcome))
    assert resources.trials.rows() == ()
