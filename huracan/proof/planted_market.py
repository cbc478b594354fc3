"""Markets whose truth is known: an imbalance of order flow that drives prices, and noisy measurements of it.

They come straight as a MarketBlock, without candles and without a feature recipe. What the best policy of
such a market would earn is in `best_policy`.
"""

from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from huracan.durations import MINUTES_PER_DAY
from huracan.errors import InvalidInput
from huracan.market.block import EPOCH, MS_PER_DAY, MS_PER_MINUTE, MarketBlock
from huracan.regimes.model import REGIMES
from huracan.units import BASIS_POINT

Floats = NDArray[np.float64]

BARS_PER_DAY = MINUTES_PER_DAY
"""Of a market of minutes."""
WARMUP_BARS = 720
"""Bars before the first day, so that every column is complete from the first bar on."""
VOLATILITY_COLUMN = "return_std_60_bps"
SPANS = (1, 5, 15, 60)
"""Bars over which each flow is averaged."""
FEATURE_NAMES = (
    *(f"flow_{span}" for span in SPANS),
    *(f"decoy_{span}" for span in SPANS),
    *(f"return_{span}_bps" for span in SPANS),
    VOLATILITY_COLUMN,
    "noise_1",
    "noise_2",
)
"""A second flow (`decoy`) is as persistent and as loud as the first and moves nothing; two columns are noise
without any memory."""


@dataclass(frozen=True)
class PlantedMarketConfig:
    """A market whose bars are all decided on. The latent imbalance is an AR(1) of variance 1 for every
    symbol."""

    bar_minutes: int = 1
    """Length of a bar."""
    edge_bps: float = 1.0
    """Drift of the next bar where the latent imbalance is 1; 0 plants nothing."""
    half_life_bars: float = 45.0
    """Of the latent imbalance: after that time half of what it pays has been paid."""
    measurement_noise: float = 1.0
    """Standard deviation of one bar's measured flow around the latent imbalance."""
    volatility_bps: float = 5.0
    """Of one bar, without the drift."""
    traded_value_usd: float = 1_000_000.0
    """Of one bar."""
    symbols: int = 4
    days: int = 40
    first_day: date = date(2025, 1, 1)
    switch_day: int | None = None
    """Index of the first day on which the edge is another one; None leaves it as it is."""
    switch: Literal["sign", "carrier"] = "sign"
    """What changes then: the sign of the drift, or the flow that carries it (`decoy` instead of `flow`)."""
    seed: int = 1

    def __post_init__(self) -> None:
        if self.symbols < 1 or self.days < 1 or self.half_life_bars <= 0 or self.volatility_bps <= 0:
            raise InvalidInput(
                "A planted market had no symbol, no day, no half-life or no volatility.",
                "Give numbers above 0.",
            )
        if self.bar_minutes < 1 or MINUTES_PER_DAY % self.bar_minutes:
            raise InvalidInput(
                f"A planted market had bars of {self.bar_minutes} minutes.",
                "Give a number of minutes that divides a day.",
            )

    @property
    def bars_per_day(self) -> int:
        return MINUTES_PER_DAY // self.bar_minutes

    @property
    def persistence(self) -> float:
        """Of the latent imbalance from one bar to the next."""
        return float(0.5 ** (1.0 / self.half_life_bars))


@dataclass(frozen=True, eq=False)
class PlantedMarket:
    """The block that an agent sees, and the truth that it does not. Arrays [symbols, bars]."""

    config: PlantedMarketConfig
    block: MarketBlock
    latent: Floats
    """The imbalance that drives the price at a bar's close, the switch included: drift = edge x this."""
    drift_bps: Floats
    """Expected log return of the next bar."""
    measured: Floats
    """One bar's measured flow of the carrier in force, with the sign in force: latent + noise."""


def plant_market(config: PlantedMarketConfig) -> PlantedMarket:
    """The market of `config`; the same config gives the same bits, and more days only append.

    The drift of bar t + 1 is `edge_bps` x latent(t): what is known at the close of t and filled at the open
    of t + 1 can be earned. Highs and lows are those of a Brownian bridge between open and close.
    """
    bars = config.days * config.bars_per_day
    parts = [_symbol(config, index) for index in range(config.symbols)]
    shape = (config.symbols, bars)
    days = (config.first_day - EPOCH).days
    stacked = {name: np.stack([part[name] for part in parts]) for name in parts[0]}
    open_time = days * MS_PER_DAY + np.arange(bars, dtype=np.int64) * (config.bar_minutes * MS_PER_MINUTE)
    features = stacked.pop("features").astype(np.float32)
    truth = {name: stacked.pop(name) for name in ("latent", "measured")}
    known: dict[str, Any] = {
        "symbols": tuple(f"P{index + 1}/USDT" for index in range(config.symbols)),
        "feature_names": FEATURE_NAMES,
        "open_time_ms": open_time,
        "features": features,
        **stacked,
        "is_tradable": np.ones(shape, bool),
        "is_ready": np.ones(shape, bool),
        "volatility_bps": features[:, :, FEATURE_NAMES.index(VOLATILITY_COLUMN)].astype(np.float64),
        "traded_value_usd": np.full(shape, config.traded_value_usd),
        "regime": np.zeros(shape, np.int8),
        "regime_probabilities": np.full((*shape, len(REGIMES)), 1.0 / len(REGIMES), np.float32),
        "day_index": open_time // MS_PER_DAY,
    }
    block = MarketBlock(**known)
    return PlantedMarket(config, block, drift_bps=config.edge_bps * truth["latent"], **truth)


def _symbol(config: PlantedMarketConfig, index: int) -> dict[str, Floats]:
    """Columns [bars] of one symbol, the warm-up cut off; `features` [bars, F].

    Every series has a stream of its own: a market of more days begins with the same ones.
    """
    draw = [np.random.default_rng(seed) for seed in np.random.SeedSequence([config.seed, index]).spawn(9)]
    bars = WARMUP_BARS + config.days * config.bars_per_day
    flow, decoy = (_autoregression(draw[each], bars, config.persistence) for each in (0, 1))
    seen_flow = flow + config.measurement_noise * draw[2].standard_normal(bars)
    seen_decoy = decoy + config.measurement_noise * draw[3].standard_normal(bars)
    latent, measured = _in_force(config, flow, decoy), _in_force(config, seen_flow, seen_decoy)
    drift = config.edge_bps * np.concatenate([np.zeros(1), latent[:-1]])
    returns = drift + config.volatility_bps * draw[4].standard_normal(bars)
    close = np.cumsum(returns)
    open_ = close - returns
    high, low = _bridge(open_, close, config.volatility_bps, draw[5], draw[6])
    noise = np.stack([draw[7].standard_normal(bars), draw[8].standard_normal(bars)], axis=1)
    columns = [
        *(_average(seen_flow, span) for span in SPANS),
        *(_average(seen_decoy, span) for span in SPANS),
        *(_sum(returns, span) for span in SPANS),
        _trailing_std(returns, 60),
    ]
    start = close[WARMUP_BARS - 1]
    prices = {
        name: 100.0 * np.exp((values - start) * BASIS_POINT)
        for name, values in (("open", open_), ("high", high), ("low", low), ("close", close))
    }
    whole = prices | {"latent": latent, "measured": measured}
    whole["features"] = np.concatenate([np.stack(columns, axis=1), noise], axis=1)
    return {name: np.ascontiguousarray(values[WARMUP_BARS:]) for name, values in whole.items()}


def _in_force(config: PlantedMarketConfig, flow: Floats, decoy: Floats) -> Floats:
    """What drives prices: `flow` before the switch, and `-flow` or `decoy` from it on."""
    if config.switch_day is None:
        return flow
    switched = np.arange(flow.size) >= WARMUP_BARS + config.switch_day * config.bars_per_day
    return np.where(switched, -flow if config.switch == "sign" else decoy, flow)


def _autoregression(generator: np.random.Generator, bars: int, persistence: float) -> Floats:
    from scipy.signal import lfilter

    shocks = generator.standard_normal(bars)
    shocks[1:] *= np.sqrt(1.0 - persistence**2)
    return np.asarray(lfilter([1.0], [1.0, -persistence], shocks), dtype=np.float64)


def _bridge(
    open_: Floats, close: Floats, volatility: float, up: np.random.Generator, down: np.random.Generator
) -> tuple[Floats, Floats]:
    """Extremes of a Brownian bridge, each drawn from its exact distribution, independently of the other."""
    middle, squared = 0.5 * (open_ + close), (close - open_) ** 2
    reach = [
        0.5 * np.sqrt(squared - 2.0 * volatility**2 * np.log1p(-generator.random(open_.size)))
        for generator in (up, down)
    ]
    return middle + reach[0], middle - reach[1]


def _average(values: Floats, span: int) -> Floats:
    """Exponential average with the weight 2 / (span + 1), as charts have it."""
    from scipy.signal import lfilter

    weight = 2.0 / (span + 1.0)
    return np.asarray(lfilter([weight], [1.0, weight - 1.0], values), dtype=np.float64)


def _sum(values: Floats, span: int) -> Floats:
    total = np.cumsum(values)
    total[span:] -= total[:-span].copy()
    return np.asarray(total, dtype=np.float64)


def _trailing_std(values: Floats, span: int) -> Floats:
    windows = np.lib.stride_tricks.sliding_window_view(values, span)
    lead = np.full(span - 1, windows[0].std(ddof=1))
    return np.concatenate([lead, windows.std(axis=1, ddof=1)])


def days_of(market: PlantedMarket, first: int, last: int) -> PlantedMarket:
    """The days at indices `first` to `last`, both included."""
    start = market.config.first_day
    block = market.block.slice_days(start + timedelta(days=first), start + timedelta(days=last))
    per_day = market.config.bars_per_day
    bars = slice(first * per_day, (last + 1) * per_day)
    truth = {
        field.name: getattr(market, field.name)[:, bars]
        for field in fields(market)
        if field.name in ("latent", "drift_bps", "measured")
    }
    return PlantedMarket(market.config, block, **truth)
