"""Whether the intervals of `huracan.evaluation.entry_alternatives` cover what they say, on a planted book.

    python benchmarks/off_policy.py [--sets 200] [--days 30] [--seed 0] [--json]

Three symbols on bars of 15 minutes. Regimes last for hours and are common to all symbols; what an entry
brings follows from regime, volatility, side and, where the plant is hidden, from a signal that the policy
sees and the outcome model does not. The noise of an entry is the market's path while it is held: entries that
overlap share it, over symbols and over midnight, and it turns its sign with the side. Entries are drawn half
from the policy's softened probabilities, half from all alike. The truth is the mean over the contexts of
thousands of other days. A row for each rule and estimator: truth, mean and deviation of the estimates, mean
of their standard errors, and the share of the intervals of 90 % that hold the truth.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.candles.schema import TIME
from huracan.evaluation.entry_alternatives import entry_alternatives
from huracan.regimes.model import REGIMES

Floats = NDArray[np.float64]
Row = dict[str, Any]

FIRST_DAY = date(2025, 1, 1)
SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
BARS_PER_DAY, HELD_BARS = 96, 8
HOLDING_MINUTES = HELD_BARS * 15
ENTRIES_PER_DAY = 24
ENTRIES = tuple(f"ENTER_{side}{size}" for side in ("", "SHORT_") for size in ("HALF", "FULL", "ONE_AND_HALF"))
_NET_BPS = np.array([[6.0, -14.0], [-10.0, -9.0], [3.0, -4.0], [-22.0, 9.0]])
"""[regime, side]"""
_VOLATILITY_BPS = np.array([-2.0, 0.0, 3.0])
_HIDDEN_BPS = 6.0
_MARKET_BPS, _OWN_BPS, _FILL_BPS = 12.0, 9.0, 10.0
"""Deviations of a bar's return, common and of the symbol, and of what an entry meets alone."""
_TRUTH_DAYS = 6_000


@dataclass(frozen=True, eq=False)
class Contexts:
    """[symbols, bars] of consecutive days."""

    regime: NDArray[np.int64]
    volatility: NDArray[np.int64]
    hidden: Floats
    entry_probability: Floats
    long_share: Floats
    """Of the policy's entries, softened."""

    @property
    def hour(self) -> NDArray[np.int64]:
        bars = np.arange(self.regime.shape[1]) % BARS_PER_DAY
        return np.broadcast_to(bars // 4, self.regime.shape)

    def expected_bps(self, *, is_hidden: bool) -> Floats:
        """[symbols, bars, sides] what an entry brings in the mean."""
        net = _NET_BPS[self.regime] + _VOLATILITY_BPS[self.volatility][..., None]
        edge = _HIDDEN_BPS * self.hidden if is_hidden else np.zeros_like(self.hidden)
        return np.asarray(net + np.stack([edge, -edge], axis=-1))


def plant_contexts(days: int, generator: np.random.Generator) -> Contexts:
    """Regimes that change after some hours, and a policy that enters the more the stronger its signal is."""
    shape = (len(SYMBOLS), days * BARS_PER_DAY)
    regime = _persistent(np.array([0.35, 0.35, 0.2, 0.1]), 30, generator, (1, shape[1]))
    own = _persistent(np.array([0.4, 0.35, 0.25]), 20, generator, shape)
    volatility = np.where(regime >= 2, np.maximum(own, 1), own)
    hidden = _autoregressive(0.8, generator, shape)
    probability = 1.0 / (1.0 + np.exp(2.0 - 1.5 * np.abs(hidden) - 0.5 * (regime == 0)))
    return Contexts(
        np.broadcast_to(regime, shape), volatility, hidden, probability, 1.0 / (1.0 + np.exp(-2.0 * hidden))
    )


def plant_book(
    contexts: Contexts, generator: np.random.Generator, *, is_hidden: bool
) -> tuple[pa.Table, pa.Table]:
    """Moments and explored trades, with the columns of theirs that the estimates read."""
    symbols, bars = contexts.regime.shape
    budget = ENTRIES_PER_DAY / BARS_PER_DAY / 2.0
    softened = (
        contexts.entry_probability[..., None, None]
        * np.stack([contexts.long_share, 1.0 - contexts.long_share], axis=-1)[..., None]
        * np.array([0.2, 0.6, 0.2])
    )
    chances = np.minimum(budget * (softened / 0.3 + 1.0 / len(ENTRIES)), 0.15).reshape(symbols, bars, -1)
    draw = generator.random((symbols, bars))[..., None]
    drawn = (draw >= np.cumsum(chances, axis=-1)).sum(axis=-1)
    is_drawn = drawn < len(ENTRIES)
    entry = np.where(is_drawn, drawn, 0)
    side = entry // 3
    path = generator.normal(0.0, _MARKET_BPS, (1, bars + HELD_BARS)) + generator.normal(
        0.0, _OWN_BPS, (symbols, bars + HELD_BARS)
    )
    moved = np.cumsum(path, axis=1)
    moved = moved[:, HELD_BARS:] - moved[:, :-HELD_BARS]
    expected = np.take_along_axis(contexts.expected_bps(is_hidden=is_hidden), side[..., None], axis=-1)[
        ..., 0
    ]
    noise = np.where(side == 0, moved, -moved) + generator.normal(0.0, _FILL_BPS, (symbols, bars))
    propensity = np.take_along_axis(chances, entry[..., None], axis=-1)[..., 0]
    times = np.datetime64(FIRST_DAY, "ms") + np.arange(bars) * np.timedelta64(15, "m")
    ids, absent = np.arange(symbols * bars).astype(str), ~is_drawn.ravel()
    own = np.array(["ENTER_FULL", "ENTER_SHORT_FULL"], object)[(contexts.hidden < 0.0).astype(np.int64)]
    own[contexts.entry_probability <= 0.5] = None
    moments = {
        "symbol": pa.array(np.repeat(SYMBOLS, bars)),
        "signal_time": pa.array(np.tile(times, symbols)).cast(TIME),
        "regime": pa.array(np.array(REGIMES)[contexts.regime.ravel()]),
        "hour": pa.array(contexts.hour.ravel()),
        "volatility_rank": pa.array(contexts.volatility.ravel()),
        "entry_probability": pa.array(contexts.entry_probability.ravel()),
        "action": pa.array(np.array(ENTRIES)[entry.ravel()], mask=absent),
        "trade_id": pa.array(ids, mask=absent),
        "propensity": pa.array(propensity.ravel(), mask=absent),
        "policy_action": pa.array(own.ravel(), pa.string()),
    }
    net = (expected + noise).ravel()
    return pa.table(moments), pa.table({"trade_id": ids[~absent], "net_bps": net[~absent]})


def truths(contexts: Contexts, *, is_hidden: bool) -> dict[tuple[str, str], float]:
    """Rule -> mean of what its entries bring, over all moments of `contexts`."""
    net = contexts.expected_bps(is_hidden=is_hidden)
    wants = np.stack([contexts.hidden >= 0.0, contexts.hidden < 0.0], axis=-1)
    probability = contexts.entry_probability[..., None]
    every = np.ones(net.shape, dtype=bool)
    rules: dict[tuple[str, str], NDArray[np.bool_]] = {("all", "all"): every}
    for code, name in enumerate(REGIMES):
        rules["regime", name] = every & (contexts.regime == code)[..., None]
    for code, name in enumerate(("calm", "middle", "wild")):
        rules["volatility", name] = every & (contexts.volatility == code)[..., None]
    for code in range(4):
        name = f"{6 * code:02d}-{6 * code + 6:02d} UTC"
        rules["quarter", name] = every & (contexts.hour // 6 == code)[..., None]
    for code, name in enumerate(("long", "short")):
        rules["side", name] = every & (np.arange(2) == code)
    for least in (0.25, 0.5):
        rules["entry_probability", f"above {least:g}"] = every & (probability > least)
    rules["policy", "own entries"] = wants & (probability > 0.5)
    return {rule: float(net[where].mean()) for rule, where in rules.items()}


def estimated(sets: int, days: int, seed: int, *, is_hidden: bool) -> Iterator[list[Row]]:
    """The rows of `entry_alternatives` of each planted set."""
    known = [FIRST_DAY + timedelta(days=each) for each in range(days)]
    for number in range(sets):
        generator = np.random.default_rng([seed, number])
        moments, trades = plant_book(plant_contexts(days, generator), generator, is_hidden=is_hidden)
        yield entry_alternatives(moments, trades, known, HOLDING_MINUTES).to_pylist()


def coverage(sets: int, days: int, seed: int, *, is_hidden: bool) -> list[Row]:
    """A row for each rule and estimator of which any set had an interval."""
    known = truths(plant_contexts(_TRUTH_DAYS, np.random.default_rng(987)), is_hidden=is_hidden)
    found: dict[tuple[str, str, str], list[Row]] = {}
    for rows in estimated(sets, days, seed, is_hidden=is_hidden):
        for row in rows:
            if row["low_bps"] is not None:
                found.setdefault((row["scope"], row["value"], row["estimator"]), []).append(row)
    return [
        _summary(rule, estimator, known[scope, value], rows)
        for (scope, value, estimator), rows in found.items()
        for rule in [f"{scope}: {value}"]
    ]


def _summary(rule: str, estimator: str, truth: float, rows: list[Row]) -> Row:
    mean = np.array([row["mean_net_bps"] for row in rows])
    return {
        "rule": rule,
        "estimator": estimator,
        "sets": len(rows),
        "truth_bps": truth,
        "mean_bps": float(mean.mean()),
        "deviation_bps": float(mean.std(ddof=1)),
        "standard_error_bps": float(np.mean([row["standard_error_bps"] for row in rows])),
        "coverage": float(np.mean([row["low_bps"] <= truth <= row["high_bps"] for row in rows])),
    }


def _persistent(
    shares: Floats, bars: int, generator: np.random.Generator, shape: tuple[int, int]
) -> NDArray[np.int64]:
    """States that are drawn anew after `bars` bars in the mean."""
    drawn = generator.choice(len(shares), size=shape, p=shares)
    begins = generator.random(shape) < 1.0 / bars
    begins[:, 0] = True
    last = np.maximum.accumulate(np.where(begins, np.arange(shape[1]), 0), axis=1)
    return np.asarray(np.take_along_axis(drawn, last, axis=1), dtype=np.int64)


def _autoregressive(carry: float, generator: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Of deviation 1."""
    from scipy.signal import lfilter

    shocks = generator.standard_normal(shape)
    shocks[:, 1:] *= np.sqrt(1.0 - carry**2)
    return np.asarray(lfilter([1.0], [1.0, -carry], shocks, axis=1))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in (("sets", 200), ("days", 30), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    plants = {"planted by context": False, "and by a hidden signal": True}
    found = {
        name: coverage(asked.sets, asked.days, asked.seed, is_hidden=is_hidden)
        for name, is_hidden in plants.items()
    }
    if asked.json:
        json.dump(found, sys.stdout, indent=1)
        return
    for name, rows in found.items():
        print(f"\n{name}: {asked.sets} sets of {asked.days} days\n")
        print(
            f"{'rule':30}{'estimator':15}{'sets':>5}{'truth':>8}{'mean':>8}{'sd':>7}{'error':>7}{'cover':>8}"
        )
        for row in rows:
            numbers = "".join(f"{row[key]:7.2f}" for key in ("deviation_bps", "standard_error_bps"))
            means = "".join(f"{row[key]:8.2f}" for key in ("truth_bps", "mean_bps"))
            print(
                f"{row['rule']:30}{row['estimator']:15}{row['sets']:5}{means}{numbers}{row['coverage']:8.1%}"
            )


if __name__ == "__main__":
    main()
