"""The order of a partition's metadata: how it went first, what only machines compare last."""

from datetime import date
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from huracan.tables import INTEGER, Column, Table
from huracan.verdict import Verdict
from huracan_assets.jobs import TRADE
from huracan_assets.partitions import daily_partitions
from huracan_assets.reads import Inputs
from huracan_assets.shown import Picture, Rows, lines
from huracan_assets.stage import Check, Outcome, StageContext, stage
from huracan_assets.wiring import asset_of
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings

DAY = date(2025, 3, 1)
VALUE = Table([Column("value", INTEGER, "a number")])


@stage(
    job=TRADE,
    kinds=set(),
    reads=[],
    tables={"data": VALUE},
    checks=[Check("value_is_small", "It is small."), Check("value_is_odd", "It is odd.", blocking=False)],
)
def judged(inputs: Inputs, context: StageContext) -> Outcome:
    """A partition that tells everything an asset can tell."""
    return Outcome(
        tables={"data": pa.table({"value": [1]})},
        verdicts=[
            Verdict("value_is_small", True, "The value is 1.", {"largest_usd": 1.0}),
            Verdict("value_is_odd", False, "It is not odd enough.", blocking=False),
        ],
        metadata={
            "model_id": "4ee1cc51",
            "quarantined_rows": 3,
            "by_reason": Rows([{"reason": "x"}]),
            "plot": Picture("![a curve](data:image/png;base64,AA)", "a curve", "+1.00 USD"),
            "verdict": "refused",
        },
    )


@pytest.fixture
def resources(tmp_path: Path) -> Resources:
    return Resources(load_settings(environ={"HURACAN_HOME": str(tmp_path)}))


def _shown(resources: Resources, declared: object, times: int = 1) -> dict[str, object]:
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(times):
            result = dg.materialize(
                [asset_of(declared, daily_partitions(DAY))],  # type: ignore[arg-type]
                partition_key=DAY.isoformat(),
                resources={"resources": resources},
                instance=instance,
            )
        (made,) = result.get_asset_materialization_events()
        metadata = made.materialization.metadata
    return {name: value.value for name, value in metadata.items()}


EXPECTED = [
    *("verdict", "in short", "a curve", "checks", "by reason", "quarantined rows", "simulated", "remade"),
    *("dagster/uri", "dagster/partition_row_count", "dagster/row_count", "dagster/column_schema"),
    *("model id", "inputs"),
]


def test_verdict_and_picture_come_first_and_hashes_last(resources: Resources) -> None:
    metadata = _shown(resources, judged)
    assert list(metadata) == EXPECTED
    assert metadata["in short"] == "+1.00 USD"
    assert metadata["checks"] == "- passed: The value is 1.\n- warns: It is not odd enough."


def test_work_that_is_reused_is_told_in_the_same_order(resources: Resources) -> None:
    metadata = _shown(resources, judged, times=2)
    told = EXPECTED.copy()
    told.insert(told.index("simulated"), "reused")
    assert sorted(metadata) == sorted(told)
    assert [name for name in metadata if name != "reused"] == EXPECTED
    assert metadata["reused"] is True


def test_an_empty_partition_says_why_before_anything_else(resources: Resources) -> None:
    @stage(job=TRADE, kinds=set(), reads=[])
    def idle(inputs: Inputs, context: StageContext) -> Outcome:
        """It has nothing to do."""
        return Outcome(note="Nothing to do yet.")

    metadata = _shown(resources, idle)
    assert next(iter(metadata.items())) == ("note", "Nothing to do yet.")


def test_reasons_are_not_told_twice(resources: Resources) -> None:
    @stage(job=TRADE, kinds=set(), reads=[], checks=[Check("fit", "It is fit.", blocking=False)])
    def verdict_of(inputs: Inputs, context: StageContext) -> Outcome:
        """A verdict whose check says its reasons again."""
        found = Verdict("fit", False, "Too few trades.", blocking=False)
        return Outcome(
            verdicts=[found], metadata={"verdict": "refused", "reasons": lines(["Too few trades."])}
        )

    metadata = _shown(resources, verdict_of)
    assert list(metadata)[:2] == ["verdict", "reasons"]
    assert "checks" not in metadata


def test_numbers_of_a_check_are_said_in_words(resources: Resources) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [asset_of(judged, daily_partitions(DAY))],
            partition_key=DAY.isoformat(),
            resources={"resources": resources},
            instance=instance,
        )
    first = result.get_asset_check_evaluations()[0]
    assert list(first.metadata) == ["largest, USD"]
