"""Which stop, target and size would have suited a pattern: found on its past, judged on the nights after.

Every new trade is entered again by the market's own fills and costs under each setting of a small grid and
left to stop, target and time-out, over any midnight. What was best up to a night is judged by the trades of
later nights only.
"""

from dataclasses import dataclass, replace
from datetime import date
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.outcome import Floats
from huracan.analysis.patterns.config import PatternConfig
from huracan.analysis.patterns.numbers import Z_90, mean_interval
from huracan.market.actions import ENTER_FULL_INDEX, ENTER_SHORT_FULL_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules
from huracan.market.what_if.held_under import held_under

STOPS_VOLATILITIES = (1.0, 1.5, 2.5)
TARGETS_VOLATILITIES = (1.5, 2.5, 4.0)
SETTINGS = tuple(product(STOPS_VOLATILITIES, TARGETS_VOLATILITIES))
"""(stop, target) in the units of the trading rules; their floors in bps hold as ever."""

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class SettingTrials:
    """Net results in bps of size 1 of trades under each setting [trades, settings], NaN where not filled."""

    trade_ids: tuple[str, ...]
    net_bps: Floats

    def of(self, trades: pa.Table) -> Floats:
        """[trades, settings] of the rows of a table with `trade_id`, NaN of trades that were not tried."""
        indices = {trade: index for index, trade in enumerate(self.trade_ids)}
        chosen = np.array(
            [indices.get(trade, -1) for trade in trades["trade_id"].to_pylist()], dtype=np.int64
        )
        padded = np.concatenate([self.net_bps, np.full((1, len(SETTINGS)), np.nan)])
        return np.asarray(padded[chosen], dtype=np.float64)


def try_settings(
    trades: pa.Table, block: MarketBlock, rules: TradingRules, costs: CostAssumptions
) -> SettingTrials:
    """Each of the `trades` (trade_id, symbol, side, signal_time) entered at its own bar under each setting.

    `block` holds the bars from their signals to the ends of their longest holdings. A trade whose symbol or
    signal it lacks is not tried.
    """
    is_short = pc.equal(trades["side"], "short").to_numpy(zero_copy_only=False)
    actions = np.where(is_short, ENTER_SHORT_FULL_INDEX, ENTER_FULL_INDEX)
    tried = [replace(rules, stop_volatilities=stop, target_volatilities=target) for stop, target in SETTINGS]
    found = held_under(trades, actions, block, tried, costs)
    return SettingTrials(tuple(trades["trade_id"].to_pylist()), found)


def no_trials() -> Row:
    """The record of a pattern of which nothing was tried yet."""
    zeros = [0.0] * len(SETTINGS)
    counts = dict.fromkeys(("trial_trades", "judged_trades"), 0)
    sums = ("judged_net_sum_bps", "judged_gain_sum_bps", "judged_gain_square_sum", "judged_sized_sum_bps")
    return {
        **counts,
        **dict.fromkeys(sums, 0.0),
        "trial_net_sums_bps": zeros,
        "trial_net_square_sums": zeros,
    }


def with_trials(
    row: Row, tried: Floats, made: Floats, day: date, rules: TradingRules, config: PatternConfig
) -> Row:
    """The pattern's record after a night: first its best of before is judged, then the best is found anew.

    `tried` [trades, settings] and `made` [trades], both net in bps; trades that some setting did not fill
    are left out.
    """
    is_whole = np.isfinite(tried).all(axis=1) if len(tried) else np.zeros(0, dtype=bool)
    tried, made = tried[is_whole], made[is_whole]
    known = no_trials() | {name: value for name, value in row.items() if value is not None}
    if len(known["trial_net_sums_bps"]) != len(SETTINGS):  # stored when the grid was another
        known |= no_trials()
    judged = _judged(known, tried, made) if row.get("best_stop_volatilities") is not None else {}
    trials: Row = {
        "trial_trades": known["trial_trades"] + len(tried),
        "trial_net_sums_bps": (np.array(known["trial_net_sums_bps"]) + tried.sum(axis=0)).tolist(),
        "trial_net_square_sums": (np.array(known["trial_net_square_sums"]) + (tried**2).sum(axis=0)).tolist(),
    }
    after = {**row, **known, **judged, **trials}
    return {**after, **_best(after, day, rules, config)}


def _judged(known: Row, tried: Floats, made: Floats) -> Row:
    setting = (known["best_stop_volatilities"], known["best_target_volatilities"])
    if setting not in SETTINGS:
        return {}
    net = tried[:, SETTINGS.index(setting)]
    gain = net - made
    count = known["judged_trades"] + len(net)
    sums = {
        "judged_net_sum_bps": known["judged_net_sum_bps"] + float(net.sum()),
        "judged_gain_sum_bps": known["judged_gain_sum_bps"] + float(gain.sum()),
        "judged_gain_square_sum": known["judged_gain_square_sum"] + float((gain**2).sum()),
        "judged_sized_sum_bps": known["judged_sized_sum_bps"] + known["best_size"] * float(net.sum()),
    }
    if count == 0:
        return sums
    mean, _, low, high = mean_interval(count, sums["judged_gain_sum_bps"], sums["judged_gain_square_sum"])
    return sums | {
        "judged_trades": count,
        "judged_mean_net_bps": sums["judged_net_sum_bps"] / count,
        "judged_gain_bps": mean,
        "judged_gain_low_bps": low,
        "judged_gain_high_bps": high,
        "judged_sized_net_bps": sums["judged_sized_sum_bps"] / count,
    }


def _best(after: Row, day: date, rules: TradingRules, config: PatternConfig) -> Row:
    """The setting of the largest mean, kept with its day until another takes its place.

    The size is the largest the rules offer where the mean is above 0 beyond its error, the smallest where it
    is not above 0: for a small share of the account growth is all but linear in the size, so certainty
    decides.
    """
    count = after["trial_trades"]
    if count < config.trial_trades:
        return {}
    best = int(np.argmax(after["trial_net_sums_bps"]))
    total, squares = after["trial_net_sums_bps"][best], after["trial_net_square_sums"][best]
    mean, error, _, _ = mean_interval(count, total, squares)
    assert mean is not None
    small, middle, large = sorted(rules.size_multipliers)
    is_sure = error is not None and mean > Z_90 * error
    stop, target = SETTINGS[best]
    is_same = (after["best_stop_volatilities"], after["best_target_volatilities"]) == (stop, target)
    return {
        "best_stop_volatilities": stop,
        "best_target_volatilities": target,
        "best_size": large if is_sure else middle if mean > 0 else small,
        "best_found_day": after["best_found_day"] if is_same else day,
        "best_past_mean_net_bps": mean,
    }
