"""Trades entered again under other stops and targets: the market's own fills, and nothing after the day."""

import numpy as np
import pyarrow as pa
import pytest

from huracan.analysis.patterns.config import PatternConfig
from huracan.analysis.patterns.trials import SETTINGS, SettingTrials, no_trials, try_settings, with_trials
from huracan.market.actions import ENTER_FULL_INDEX, ENTER_SHORT_FULL_INDEX, HOLD_INDEX
from huracan.market.costs import CostAssumptions
from huracan.market.paper.provenance import Provenance
from huracan.market.paper.session import trade_session
from huracan.market.policy import ScriptedPolicy
from huracan.market.rules import TradingRules
from huracan.proof.planted_market import BARS_PER_DAY, PlantedMarketConfig, plant_market

DAY = PlantedMarketConfig().first_day
RULES, COSTS = TradingRules(allow_short=True), CostAssumptions()
AS_MADE = SETTINGS.index((RULES.stop_volatilities, RULES.target_volatilities))


@pytest.fixture(scope="module")
def block():
    return plant_market(PlantedMarketConfig(symbols=2, days=1, seed=4)).block


@pytest.fixture(scope="module")
def trades(block) -> pa.Table:
    """Longs of the first symbol and shorts of the second, left to stop, target and time-out."""
    script = np.full((BARS_PER_DAY, 2), HOLD_INDEX)
    script[::20] = [ENTER_FULL_INDEX, ENTER_SHORT_FULL_INDEX]
    made_by = Provenance("m", "d", "c", True)
    return trade_session(block, ScriptedPolicy(script, is_lenient=True), RULES, COSTS, made_by).trades


def test_the_setting_of_the_rules_makes_what_the_ledger_says(block, trades) -> None:
    trials = try_settings(trades, block, RULES, COSTS)
    assert {"long", "short"} == set(trades["side"].to_pylist()) and len(trades) > 15
    assert trials.net_bps[:, AS_MADE] == pytest.approx(trades["net_bps"].to_numpy())
    assert len({tuple(row) for row in np.round(trials.net_bps, 6).T.tolist()}) == len(SETTINGS)


def test_a_trade_that_the_block_lacks_is_not_tried_and_the_others_keep_their_places(block, trades) -> None:
    names = trades["symbol"].to_pylist()
    names[1] = "ELSE/USDT"
    strange = trades.set_column(trades.column_names.index("symbol"), "symbol", pa.array(names))
    trials = try_settings(strange, block, RULES, COSTS)
    assert np.isnan(trials.net_bps[1]).all() and np.isfinite(np.delete(trials.net_bps, 1, axis=0)).all()
    assert trials.of(trades.slice(2, 1))[0].tolist() == trials.net_bps[2].tolist()
    assert np.isnan(SettingTrials((), np.zeros((0, len(SETTINGS)))).of(trades)).all()


def _after(row: dict, tried: list[float], made: list[float], day=DAY) -> dict:
    """One night whose trades make `tried` under the first setting and 1 bps less under all others."""
    cells = np.repeat(np.array(tried)[:, None], len(SETTINGS), axis=1) - 1.0
    cells[:, 0] += 1.0
    return with_trials(row, cells, np.array(made), day, RULES, PatternConfig(trial_trades=4))


def _new() -> dict:
    names = ("stop_volatilities", "target_volatilities", "size", "found_day")
    return {**no_trials(), **{f"best_{name}": None for name in names}}


@pytest.mark.parametrize(
    ("tried", "size"), [([9.0, 10, 11, 10], 1.5), ([-30.0, 50, -40, 40], 1.0), ([-9.0, -10, -11, -10], 0.5)]
)
def test_the_size_follows_from_how_sure_the_past_is(tried: list[float], size: float) -> None:
    row = _after(_new(), tried, tried)
    assert (row["best_stop_volatilities"], row["best_target_volatilities"]) == SETTINGS[0]
    assert row["best_size"] == size and row["best_past_mean_net_bps"] == pytest.approx(np.mean(tried))
    assert row["judged_trades"] == 0


def test_the_best_is_judged_by_later_trades_alone() -> None:
    row = _after(_new(), [9.0, 10, 11, 10], [0.0] * 4)
    row = _after(row, [2.0, 4.0], [1.0, 1.0])
    assert (row["judged_trades"], row["judged_mean_net_bps"], row["judged_gain_bps"]) == (2, 3.0, 2.0)
    # 1.645 times a standard error of sqrt(2) / sqrt(2).
    assert row["judged_gain_low_bps"] == pytest.approx(2.0 - 1.6449, abs=1e-3)
    assert row["judged_sized_net_bps"] == 4.5 and row["trial_trades"] == 6


def test_too_few_trades_name_no_best_and_unfilled_ones_do_not_count() -> None:
    row = _after(_new(), [5.0, 5.0, 5.0, float("nan")], [0.0] * 4)
    assert row["trial_trades"] == 3 and row["best_stop_volatilities"] is None
