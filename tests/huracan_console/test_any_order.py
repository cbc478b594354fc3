"""A night completes after any backfill, in any order: the real plans, declared reads, manifests and records
over a real lake. Only the bodies are replaced: each writes down what it was made from."""

import json
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from shutil import rmtree
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from huracan.errors import InputRefused
from huracan.verdict import Verdict
from huracan_assets.freshness import Freshness
from huracan_assets.reads import Inputs, table_hash
from huracan_assets.registry import stages
from huracan_assets.running import run_stage
from huracan_assets.stage import Outcome, Stage, StageContext
from huracan_console.plan import NIGHT, PlannedRun, backfill_runs, days_from, history_days, night_runs
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.store import LocalStore
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings

OPEN = "open_positions"
"""The table of trades whose every day is made from the one of the day before."""
FIRST = date(2025, 1, 1)
SETTINGS = load_settings(
    {
        "universe.first_day": FIRST.isoformat(),
        "regimes.minimum_days": 1,
        "regimes.fit_days": 3,
        "training.window_days": 3,
        "training.held_out_days": 1,
        "training.minimum_training_days": 1,
        "models.trailing_days": 6,
    },
    {},
)


READ_ALONE = {
    (read.asset, read.table or read.newest)
    for stage in stages()
    for read in stage.reads
    if read.table or read.newest
}
"""(asset, table) of the tables whose own hash is what is recorded."""


def _recorded(stage: Stage) -> Stage:
    """The declared asset with a body that writes its inputs down, and no rows in a database.

    What others read of it alone says, where it was made from its like of the day before, from which.
    """

    def body(inputs: Inputs, context: StageContext) -> Outcome:
        made_from = inputs.hashes()
        files = {"made_from.json": json.dumps(sorted(made_from.items())).encode()}
        alone = {name: table for name, table in stage.tables.items() if (stage.name, name) in READ_ALONE}
        chain = {key: made for key, made in made_from.items() if key.endswith(f"#{OPEN}")}
        return Outcome(
            tables={
                name: pa.schema(
                    [(column.name, column.type) for column in table.columns],
                    metadata={"made_from": json.dumps(chain if name == OPEN else {})},
                ).empty_table()
                for name, table in alone.items()
            },
            files=files,
            verdicts=[Verdict(check.name, True, "", blocking=check.blocking) for check in stage.checks],
        )

    body.__module__ = stage.body.__module__
    tables = {name: replace(table, in_database=False) for name, table in stage.tables.items()}
    return replace(stage, body=body, tables=tables, searches=(), bring_back=None)


class Machine:
    """A home whose runs only read, and write what they read."""

    def __init__(self, root: Path) -> None:
        self.lake = Lake(LocalStore(root))
        self.resources = cast(
            Resources, SimpleNamespace(lake=self.lake, settings=SETTINGS, rows=SimpleNamespace())
        )
        self.stages = [_recorded(stage) for stage in stages()]
        self.freshness = Freshness(self.resources, self.stages)

    def walk(self, plan: Iterable[PlannedRun]) -> list[PlannedRun]:
        """Every run of the plan; `InputRefused` from the first one whose inputs are refused."""
        done = []
        for planned in plan:
            for stage in self.stages:
                if stage.job == planned.job:
                    digest = stage.configuration_digest(SETTINGS)
                    run_stage(stage, StageContext(stage.name, planned.day, SETTINGS, self.resources, digest))
            done.append(planned)
        return done

    def night(self, day: date) -> list[PlannedRun]:
        return self.walk(night_runs(day, SETTINGS, self.freshness))

    def backfill(self, first: date, last: date, jobs: tuple[str, ...]) -> list[PlannedRun]:
        return self.walk(backfill_runs(days_from(first, last), jobs, SETTINGS, self.freshness))

    def hash_of(self, asset: str, day: date) -> str:
        manifest = self.lake.manifest(asset, day)
        assert manifest is not None, f"{asset} of {day} was not made"
        return manifest.content_hash

    def goes_on(self, day: date) -> bool:
        """Whether the day was traded from what the day before left open, where that was traded."""
        ledger, before = (
            self.lake.manifest("shadow_trades", each) for each in (day, day - timedelta(days=1))
        )
        assert ledger is not None
        carried = {key: made for key, made in ledger.inputs.items() if key.endswith(f"#{OPEN}")}
        return carried == ({} if before is None else dict([table_hash(before, OPEN)]))

    def spoil(self, asset: str, day: date) -> None:
        """As if a blocking check had found the partition bad."""
        bad = [Verdict("judged", False, "It does not add up.")]
        self.lake.write(asset, day, {}, verdicts=bad)


def _day(offset: int) -> date:
    return FIRST + timedelta(days=offset)


_BACKFILL = st.tuples(st.integers(0, 40), st.integers(0, 4), st.sampled_from([NIGHT[:1], NIGHT, ("learn",)]))
_NIGHT = st.integers(0, 40)


@settings(max_examples=8, deadline=None)
@given(before=st.lists(_BACKFILL | _NIGHT, max_size=4), last=st.integers(10, 44))
@example(before=[(0, 1, NIGHT)], last=40)  # two old days, then tonight
@example(before=[(0, 20, NIGHT[:1]), (15, 5, NIGHT)], last=40)  # the README's order, then tonight
@example(before=[20, (5, 3, NIGHT)], last=21)  # nights before the first night, a few days apart
@example(before=[20, (16, 0, NIGHT[:1])], last=21)  # a day that the warm-up of the first regimes looks at
@example(before=[(10, 2, NIGHT), (16, 2, NIGHT)], last=20)  # two ranges with a hole between them
@example(before=[27, 19], last=35)  # nights out of order, a week apart
@example(before=[10], last=19)  # the night before the last is a hole where a history begins
@example(before=[(11, 4, NIGHT[:1]), 3], last=20)  # a hole that only the memory's first fit looks back on
def test_a_night_completes_after_any_backfill_in_any_order(before: list[Any], last: int) -> None:
    with tempfile.TemporaryDirectory() as root:
        machine = Machine(Path(root))
        for step in before:
            if isinstance(step, int):
                machine.night(_day(step))
            else:
                first, more, jobs = step
                try:
                    machine.backfill(_day(first), _day(first + more), jobs)
                except InputRefused:
                    # A job without those that it needs: what it leaves must not make a night stumble.
                    assert jobs != NIGHT and jobs != NIGHT[:1]
        night = _day(last)
        done = machine.night(night)
        assert done[-4:] == [PlannedRun(job, night) for job in NIGHT]
        for day in history_days(night, SETTINGS):
            machine.hash_of("regimes", day)
        assert machine.goes_on(night)


def test_no_policy_is_trained_again_because_older_days_were_filled_in(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.walk(PlannedRun("market", _day(offset)) for offset in range(13, 20))
    machine.walk([PlannedRun("learn", _day(19))])
    before = machine.hash_of("ppo_checkpoint", _day(19)), machine.hash_of("regimes", _day(17))
    machine.backfill(_day(8), _day(12), NIGHT[:1])
    done = machine.night(_day(20))
    assert machine.hash_of("regimes", _day(17)) != before[1], "regimes of its window are fitted on more days"
    assert machine.hash_of("ppo_checkpoint", _day(19)) == before[0]
    assert PlannedRun("learn", _day(19), True) not in done


def test_nights_of_a_short_outage_are_made_up_for_and_those_of_a_long_one_are_not(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.night(_day(10))
    short = machine.night(_day(18))
    assert {run.day for run in short if run.job == "trade"} == {_day(offset) for offset in range(11, 19)}
    long = machine.night(_day(27))
    assert {run.day for run in long if run.job == "trade"} == {_day(27)}
    assert [m.day for m in machine.lake.window("shadow_trades", _day(27), 30)] == [_day(27)]


def test_each_day_goes_on_from_the_positions_of_the_day_before_and_the_first_begins_flat(
    tmp_path: Path,
) -> None:
    machine = Machine(tmp_path)
    machine.backfill(_day(12), _day(16), NIGHT)
    machine.night(_day(19))
    traded = machine.lake.days("shadow_trades")
    assert traded == [_day(offset) for offset in range(12, 20)] and all(map(machine.goes_on, traded))


def test_bad_nights_in_a_row_are_traded_again_from_the_first_on_before_the_next(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.backfill(_day(12), _day(16), NIGHT)
    for offset in (15, 16):
        machine.spoil("shadow_trades", _day(offset))
    done = [run for run in machine.night(_day(17)) if run.job == "trade"]
    assert [run.day for run in done] == [_day(15), _day(16), _day(17)]
    assert all(map(machine.goes_on, (_day(offset) for offset in range(13, 18))))


def test_a_day_is_refused_while_the_day_before_is_missing_or_bad_and_made_after_it(tmp_path: Path) -> None:
    """As where the UI runs many days of `trade` at once, and a later one comes first."""
    machine = Machine(tmp_path)
    machine.backfill(_day(12), _day(18), NIGHT[:1])
    machine.walk([PlannedRun("trade", _day(12))])
    with pytest.raises(InputRefused, match=f"shadow_trades/{_day(13)}"):
        machine.walk([PlannedRun("trade", _day(14))])
    machine.walk([PlannedRun("trade", _day(13)), PlannedRun("trade", _day(14))])
    assert machine.goes_on(_day(14))
    machine.spoil("shadow_trades", _day(14))
    with pytest.raises(InputRefused, match="judged bad"):
        machine.walk([PlannedRun("trade", _day(15))])
    assert [run.day for run in machine.backfill(_day(15), _day(15), NIGHT) if run.job == "trade"] == [
        _day(14),
        _day(15),
    ]
    assert machine.goes_on(_day(15))


def test_a_home_of_a_version_without_prices_of_its_days_has_them_made_before_the_night_and_keeps_its_records(
    tmp_path: Path,
) -> None:
    machine = Machine(tmp_path)
    machine.night(_day(20))
    machine.night(_day(21))
    kept = {name: machine.hash_of(name, _day(20)) for name in ("ppo_checkpoint", "shadow_trades")}
    rmtree(tmp_path / "market_costs")
    done = machine.night(_day(22))
    assert done[-4:] == [PlannedRun(job, _day(22)) for job in NIGHT]
    assert {run.job for run in done[:-4]} == {"market"}
    assert machine.lake.days("market_costs")[-1] == _day(22)
    assert set(machine.lake.days("market_costs")) >= set(history_days(_day(22), SETTINGS))
    assert kept == {name: machine.hash_of(name, _day(20)) for name in kept}
