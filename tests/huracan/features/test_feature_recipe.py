"""The recipe is a contract: ordered, named, versioned, and free of what the original got wrong."""

from dataclasses import replace

import pytest

from huracan.candles.schema import Timeframe
from huracan.errors import InvalidInput
from huracan.features.recipe import EVERY_COLUMN, recipe_of
from huracan.features.specification import LEAD_IN_BARS, LEAD_IN_DAYS, FeatureRecipe

MINUTE = Timeframe("1m")
TIMEFRAMES = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h")
PAIRS = [(a, b) for a in TIMEFRAMES for b in TIMEFRAMES if Timeframe(b).minutes % Timeframe(a).minutes == 0]


def of(detail: str, decision: str) -> FeatureRecipe:
    return recipe_of(Timeframe(detail), Timeframe(decision))


def test_the_recipe_has_at_least_fifty_columns_in_every_group():
    groups = {spec.group for spec in EVERY_COLUMN.specs}
    assert len(EVERY_COLUMN.names) >= 50
    assert groups == {
        "returns", "volatility", "trend", "momentum", "range", "compression", "breakout", "volume", "micro",
        "order_flow", "time", "cross_market", "horizon", "funding", "sessions",
    }  # fmt: skip


@pytest.mark.parametrize(("detail", "decision"), PAIRS)
def test_every_timeframe_has_some_of_all_columns_in_their_order(detail, decision):
    names = of(detail, decision).names
    assert [name for name in EVERY_COLUMN.names if name in names] == list(names)
    assert "return_std_60_bps" in names and "return_30d_bps" in names and "available_funding" in names


@pytest.mark.parametrize(("detail", "decision"), PAIRS)
def test_no_timeframe_waits_longer_than_three_weeks(detail, decision):
    recipe = of(detail, decision)
    assert recipe.warmup_days <= LEAD_IN_DAYS == 21
    assert recipe.ready_bars <= recipe.warmup_bars


def test_the_lead_in_of_one_minute_is_two_days_and_longer_than_any_warm_up():
    assert EVERY_COLUMN.warmup_bars == LEAD_IN_BARS
    assert EVERY_COLUMN.ready_bars == 1441 < LEAD_IN_BARS


@pytest.mark.parametrize(
    ("detail", "horizons"),
    [
        ("1m", ["1h", "4h", "1d", "7d", "30d"]),
        ("3m", ["1h", "4h", "1d", "7d", "30d"]),
        ("5m", ["4h", "1d", "7d", "30d"]),
        ("15m", ["1d", "7d", "30d"]),
        ("1h", ["1d", "7d", "30d"]),
        ("2h", ["7d", "30d"]),
        ("4h", ["7d", "30d"]),
    ],
)
def test_a_horizon_of_fewer_than_twenty_stored_bars_is_left_out(detail, horizons):
    names = of(detail, "4h").names
    assert [name.removeprefix("available_") for name in names if name.startswith("available_")][
        :-1
    ] == horizons
    assert all(f"{column}_{each}" in names for each in horizons for column in ("trend_strength", "available"))


def test_no_column_is_a_price_level_a_timestamp_or_an_age():
    forbidden = {"open", "high", "low", "close", "timestamp", "age", "vwap"}
    assert not [name for name in EVERY_COLUMN.names if set(name.split("_")) & forbidden]


def test_the_digest_changes_with_order_formula_version_and_timeframes_only():
    specs = EVERY_COLUMN.specs
    first, second, *rest = specs
    assert FeatureRecipe(EVERY_COLUMN.version, (*specs,), MINUTE, MINUTE).digest == EVERY_COLUMN.digest
    others = [
        FeatureRecipe(EVERY_COLUMN.version, (second, first, *rest), MINUTE, MINUTE),
        FeatureRecipe(EVERY_COLUMN.version, (replace(first, formula="?"), second, *rest), MINUTE, MINUTE),
        FeatureRecipe("other", specs, MINUTE, MINUTE),
        FeatureRecipe(EVERY_COLUMN.version, specs, MINUTE, Timeframe("5m")),
        FeatureRecipe(EVERY_COLUMN.version, specs, Timeframe("5m"), Timeframe("5m")),
    ]
    assert len({EVERY_COLUMN.digest, *(recipe.digest for recipe in others)}) == 6


def test_decisions_on_less_than_whole_stored_bars_are_refused():
    with pytest.raises(InvalidInput, match="1h are no multiple of stored bars of 4h"):
        of("4h", "1h")


def test_a_name_that_occurs_twice_is_refused():
    first = EVERY_COLUMN.specs[0]
    with pytest.raises(InvalidInput, match="return_1_bps"):
        FeatureRecipe("1", (first, first), MINUTE, MINUTE)


def test_the_description_has_a_row_per_column_in_order():
    rows = EVERY_COLUMN.describe()
    assert [row["name"] for row in rows] == list(EVERY_COLUMN.names)
    assert all(row["formula"] for row in rows)
