"""What holds without a word depends on how often is decided; whoever says something gets that."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from huracan.agent.config import TrainingConfig
from huracan.candles.schema import TIMEFRAMES, Timeframe
from huracan.decision_defaults import DEFAULTS
from huracan.durations import MINUTES_PER_DAY, minutes_of
from huracan.errors import InvalidInput
from huracan_resources.settings.settings import Settings, explain, load_settings
from huracan_resources.settings.sources import PROFILES
from tests.huracan_resources.settings.written_profiles import load, origin

DECISIONS = "market.decision_timeframe"


def _at(timeframe: str) -> Mapping[str, Any]:
    return {key: values[timeframe] for key, values in DEFAULTS.items()}


def test_every_timeframe_has_every_default() -> None:
    assert [key for key, values in DEFAULTS.items() if tuple(values) != TIMEFRAMES] == []


def test_at_one_minute_they_are_those_that_stand_beside_the_code() -> None:
    plain = {key: value for key, value, _ in explain(Settings())}
    assert {key: plain[key] for key in DEFAULTS} == {key: str(value) for key, value in _at("1m").items()}


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
def test_the_defaults_of_a_timeframe_fit_together(timeframe: str) -> None:
    at = _at(timeframe)
    holding = minutes_of(at["market.rules.maximum_holding"])
    decision = Timeframe(timeframe).minutes
    assert 40 <= holding / decision <= 120
    assert decision < minutes_of(at["market.rules.scratch_age"]) < holding
    assert holding / 8 < minutes_of(at["market.rules.volatility_horizon"]) <= min(holding, MINUTES_PER_DAY)
    assert minutes_of(at["training.ppo.half_life"]) >= 1.9 * holding
    assert minutes_of(at["training.episode"]) >= 2 * holding
    assert at["training.embargo_days"] * MINUTES_PER_DAY >= holding
    assert at["training.held_out_days"] * MINUTES_PER_DAY >= 4 * holding
    assert at["regimes.minimum_days"] * MINUTES_PER_DAY / decision >= 360
    assert at["regimes.fit_days"] >= 3 * at["regimes.minimum_days"]
    assert at["models.trailing_days"] * MINUTES_PER_DAY >= 40 * holding
    for profile in ("local", "production"):
        environ = {"HURACAN_ENV": profile, "HURACAN_HOME": "/nowhere"}
        training = load_settings({DECISIONS: timeframe}, environ).training
        assert isinstance(training, TrainingConfig)
        trained = training.window_days - training.held_out_days - training.embargo_days
        assert trained * MINUTES_PER_DAY / decision >= 800
        assert trained * MINUTES_PER_DAY >= 10 * holding
        assert trained * MINUTES_PER_DAY >= minutes_of(at["training.episode"])


def test_config_show_says_at_which_decisions_a_default_holds(folder: Path) -> None:
    hourly = load(folder, {DECISIONS: "1h"})
    assert origin(hourly, "training.window_days") == ("365", "default at 1h decisions")
    assert origin(load(folder), "training.window_days") == ("120", "default at 1m decisions")
    assert origin(load(folder, {"universe.timeframe": "4h"}), "training.total_steps") == (
        "600000",
        "default at 4h decisions",
    )
    assert origin(hourly, "training.lanes") == ("512", "default")


def test_whoever_says_something_gets_that_at_every_timeframe(folder: Path) -> None:
    (folder / "local.yaml").write_text("training: {window_days: 50}\n")
    home = folder / "home"
    home.mkdir()
    (home / "huracan.yaml").write_text("training: {held_out_days: 9}\n")
    said = load(
        folder,
        {DECISIONS: "1h", "training.embargo_days": 4},
        HURACAN_HOME=str(home),
        HURACAN__TRAINING__TOTAL_STEPS="5000",
    ).training
    assert (said.window_days, said.held_out_days, said.embargo_days, said.total_steps) == (50, 9, 4, 5000)


def test_the_timeframe_counts_wherever_it_is_said(folder: Path) -> None:
    (folder / "local.yaml").write_text("market: {decision_timeframe: 15m}\n")
    assert load(folder).training.window_days == 180
    assert load(folder, HURACAN__MARKET__DECISION_TIMEFRAME="1h").training.window_days == 365
    assert load(folder, HURACAN__MARKET__DECISION_TIMEFRAME="null").training.window_days == 120
    (folder / "huracan.yaml").write_text("universe: {timeframe: 5m}\nmarket: {decision_timeframe: 4h}\n")
    at_home = load(folder, HURACAN_HOME=str(folder))
    assert at_home.training.held_out_days == 28 and at_home.decision_timeframe.name == "4h"


def test_a_value_may_be_given_by_decision_timeframe_in_any_layer(folder: Path) -> None:
    (folder / "base.yaml").write_text("training: {window_days: 77, lanes: {1m: 64, 1h: 32}}\n")
    (folder / "local.yaml").write_text("training:\n  window_days: {1m: 30, 1h: 90}\n")
    assert origin(load(folder), "training.window_days") == ("30", f"{folder.name}/local.yaml, line 2")
    assert load(folder, {DECISIONS: "1h"}).training.window_days == 90
    other = load(folder, {DECISIONS: "4h"}).training
    assert (other.window_days, other.lanes) == (77, 512), "what is not named there is as if nothing were said"
    variable = load(folder, HURACAN__TRAINING__LANES="{1m: 16, 4h: 8}")
    assert variable.training.lanes == 16
    with pytest.raises(InvalidInput, match=r"local\.yaml, line 2: training\.window_days is 1, but"):
        (folder / "local.yaml").write_text("training:\n  window_days: {1m: 1}\n")
        load(folder)
    with pytest.raises(InvalidInput, match=r"line 2: the setting training\.window_days cannot be true"):
        (folder / "local.yaml").write_text("training:\n  window_days: {1m: yes}\n")
        load(folder)
    with pytest.raises(InvalidInput, match=r"line 2: the setting training\.window_days is wrong"):
        (folder / "local.yaml").write_text("training:\n  window_days: {7m: 1}\n")
        load(folder)


def test_the_shipped_profiles_name_every_timeframe_where_they_name_one() -> None:
    for path in PROFILES.glob("*.yaml"):
        assert path.read_text().count("{1m:") == path.read_text().count("4h:"), path


def test_the_digest_is_of_the_values_and_not_of_who_said_them(folder: Path) -> None:
    said = load(folder, {"training.window_days": 120, "market.rules.maximum_holding": "120m"})
    assert said.market.rules.maximum_holding == "2h"
    assert said.digest() == load(folder).digest()
