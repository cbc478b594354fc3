"""What the code does, as one hash: a fixed small training, and fixed nights on paper with what judges them.

Two versions of the code that give the same hash make the same brains of the same candles, as far as this
small sample shows. Numbers are rounded before they are hashed, so that the last bits, in which kinds of
processors differ, count for nothing; of what was trained only the decisions are hashed.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.agent.config import PPOConfig, TrainingConfig
from huracan.features.compute import compute_features
from huracan.features.recipe import EVERY_COLUMN
from huracan.features.specification import FeatureRecipe
from huracan.gates.roster import gate_kinds
from huracan.market.costs import CostAssumptions
from huracan.market.paper.judged_session import judge_session
from huracan.market.rules import TradingRules
from huracan.proof.candle_nights import RECIPE, CandleNights
from huracan.proof.gate_nights import GateNights, judged_days
from huracan.proof.gate_plants import PlantedCandlesConfig
from huracan.proof.planted_candles import plant_candles
from huracan.proof.planted_market import PlantedMarketConfig, days_of, plant_market

_DIGITS = 5
_CANDLES = PlantedCandlesConfig(plant="none", symbols=2, days=8, seed=11)
_MARKET = PlantedMarketConfig(symbols=2, days=12, bar_minutes=5, edge_bps=12.0, seed=11)
_TRAINING = TrainingConfig(
    seed=11,
    seed_count=2,
    total_steps=32_768,
    lanes=32,
    window_days=10,
    held_out_days=2,
    embargo_days=1,
    minimum_training_days=5,
    threads=1,
    ppo=PPOConfig(hidden=(16, 16)),
)
_LEFT_OUT = ("model_id", "data_hash", "configuration_digest")
"""Names of what made a row, not what it does."""


def behaviour_digest() -> str:
    """SHA-256 in hex. The same code gives the same, in any process and with any number of threads."""
    digest = hashlib.sha256()
    for part in (_trained(), _features(), *_judged()):
        digest.update(part)
    return digest.hexdigest()


def _trained() -> bytes:
    """What a small training decides on the days after it, and what comes of that."""
    from huracan.agent.night.train import train_policy
    from huracan.agent.policy.checkpoint import load_policy

    market = plant_market(_MARKET)
    rules, costs = TradingRules(allow_short=True), CostAssumptions(taker_fee_bps=0.5)
    window = days_of(market, 0, _TRAINING.window_days - 1).block
    trained = train_policy(window, _TRAINING, rules, costs)
    exam = days_of(market, _TRAINING.window_days, _MARKET.days - 1).block
    closed = judge_session(exam, load_policy(trained.checkpoint), rules, costs).closed
    names = ("symbol", "side", "reason", "entry_bar", "exit_bar", "gross_usd", "net_usd", "stop", "target")
    return b"".join(_rounded(closed[name]) for name in names)


def _features() -> bytes:
    """Every column of the whole recipe, of one day."""
    market = plant_candles(replace(_CANDLES, symbols=1, days=2))
    minute = RECIPE.decision
    recipe = FeatureRecipe("behaviour", EVERY_COLUMN.specs, minute, minute)
    day = _CANDLES.first_day.replace(day=_CANDLES.first_day.day + 1)
    return _of_table(compute_features(market.candles, day, recipe))


def _judged() -> Iterable[bytes]:
    """Nights on candles: the trades, and what gates that were fitted on the nights before say of them."""
    settings = {name: kind.settings() for name, kind in gate_kinds().items()}
    nights = GateNights(nights=CandleNights(lead_days=5), judged_days=1)
    for judged in judged_days(plant_candles(_CANDLES), nights, settings):
        yield _of_table(judged.trades)
        yield _of_table(judged.decisions.select(["gate", "verdict", "value", "threshold"]))


def _of_table(table: pa.Table) -> bytes:
    """The columns by name, without those that only name what made them."""
    parts = []
    for name in sorted(set(table.column_names) - set(_LEFT_OUT)):
        column = table[name]
        kind = column.type
        if pa.types.is_list(kind):
            column, kind = pa.chunked_array([each.flatten() for each in column.chunks]), kind.value_type
        if pa.types.is_floating(kind):
            part = _rounded(column.to_numpy(zero_copy_only=False))
        else:
            part = repr(column.to_pylist()).encode()
        parts.append(name.encode() + part)
    return b"".join(parts)


def _rounded(values: NDArray[np.generic]) -> bytes:
    """To five digits; NaN is one value, and no zero has a sign."""
    numbers = values.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.floor(np.log10(np.abs(numbers)))
        scale = 10.0 ** (_DIGITS - 1 - np.where(np.isfinite(size), size, 0.0))
        whole = np.round(numbers * scale)
    whole = np.where(np.isnan(numbers), 0.5, whole) + 0.0
    return whole.tobytes() + np.where(np.isfinite(size), size, 0.0).tobytes()
