"""A brain of an older feature recipe loads, decides on its own columns, and says that it is older."""

from dataclasses import replace

import numpy as np

from huracan.brain.brain import load_brain
from huracan.brain.bundle import build_bundle
from huracan.candles.schema import Timeframe
from huracan.features.recipe import recipe_of
from huracan.market.actions import action_names
from tests.huracan.brain.test_brain_bundle import PRIVATE, PUBLIC

HOUR, FOUR_HOURS = Timeframe("1h"), Timeframe("4h")


def test_an_older_brain_loads_and_says_that_its_recipe_is_older(parts):
    brain = load_brain(build_bundle(parts, PRIVATE), PUBLIC)
    assert brain.reads_otherwise(recipe_of(HOUR, FOUR_HOURS)) == (
        f"{brain.brain_id} is of an older feature recipe, 1 for decisions at 1m;"
        " that of now is 2 for decisions at 4h."
    )
    rows = np.zeros((1, len(brain.weights.observation_names)), np.float32)
    assert len(brain.decide(rows, np.ones((1, len(action_names(False))), np.bool_)).actions) == 1


def test_the_tenth_recipe_is_younger_than_the_ninth(parts):
    ninth, tenth = (replace(recipe_of(HOUR, HOUR), version=version) for version in ("9", "10"))
    brain = load_brain(build_bundle(replace(parts, recipe=ninth.published()), PRIVATE), PUBLIC)
    assert "an older feature recipe, 9" in brain.reads_otherwise(tenth)
    brain = load_brain(build_bundle(replace(parts, recipe=tenth.published()), PRIVATE), PUBLIC)
    assert "another feature recipe, 10" in brain.reads_otherwise(ninth)


def test_a_brain_of_the_same_recipe_says_nothing_and_one_of_other_timeframes_says_which(parts):
    recipe = recipe_of(HOUR, FOUR_HOURS)
    brain = load_brain(build_bundle(replace(parts, recipe=recipe.published()), PRIVATE), PUBLIC)
    assert brain.reads_otherwise(recipe) == ""
    told = brain.reads_otherwise(recipe_of(HOUR, HOUR))
    assert "another feature recipe, 2 for decisions at 4h; that of now is 2 for decisions at 1h" in told
