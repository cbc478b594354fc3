"""The recipe is a contract: ordered, named, versioned, and free of what the original got wrong."""

from dataclasses import replace

import pytest

from huracan.errors import InvalidInput
from huracan.features.recipe import RECIPE
from huracan.features.specification import LEAD_IN_BARS, FeatureRecipe


def test_the_recipe_has_at_least_fifty_columns_in_every_group():
    groups = {spec.group for spec in RECIPE.specs}
    assert len(RECIPE.names) >= 50
    assert groups == {
        "returns", "volatility", "trend", "momentum", "range", "compression", "breakout", "volume", "micro",
        "order_flow", "time", "cross_market",
    }  # fmt: skip
    assert "return_std_60_bps" in RECIPE.names


def test_no_column_is_a_price_level_a_timestamp_or_an_age():
    forbidden = {"open", "high", "low", "close", "timestamp", "age", "vwap"}
    assert not [name for name in RECIPE.names if set(name.split("_")) & forbidden]


def test_the_lead_in_is_longer_than_any_warm_up():
    assert RECIPE.warmup_bars == LEAD_IN_BARS
    assert RECIPE.ready_bars == 1680 < LEAD_IN_BARS


def test_the_digest_changes_with_order_formula_and_version_only():
    first, second, *rest = RECIPE.specs
    same = FeatureRecipe(RECIPE.version, (*RECIPE.specs,))
    assert same.digest == RECIPE.digest
    assert FeatureRecipe(RECIPE.version, (second, first, *rest)).digest != RECIPE.digest
    assert FeatureRecipe(RECIPE.version, (replace(first, formula="?"), second, *rest)).digest != RECIPE.digest
    assert FeatureRecipe("other", RECIPE.specs).digest != RECIPE.digest


def test_a_name_that_occurs_twice_is_refused():
    with pytest.raises(InvalidInput, match="return_1_bps"):
        FeatureRecipe("1", (RECIPE.specs[0], RECIPE.specs[0]))


def test_the_description_has_a_row_per_column_in_order():
    rows = RECIPE.describe()
    assert [row["name"] for row in rows] == list(RECIPE.names)
    assert all(row["formula"] for row in rows)
