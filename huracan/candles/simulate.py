"""The simulated market: seeded candles with a planted edge of known strength, for any day and symbol.

It is labelled `simulated` in everything that comes from it. How the path is walked lives in
`simulated_path`, how candles are drawn from it in `simulated_bars`.
"""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from huracan.candles.funding import empty_funding
from huracan.candles.market_info import MarketInfo
from huracan.candles.schema import Timeframe, day_start
from huracan.candles.simulated_bars import DaysPath, draw_day
from huracan.candles.simulated_path import (
    Edge,
    MarketState,
    SymbolPath,
    SymbolState,
    first_symbol_state,
    walk_market,
    walk_symbol,
)
from huracan.candles.simulated_symbols import symbol_parameters
from huracan.candles.source import CandleSourceKind, SourceIdentity, unknown_symbol
from huracan.errors import InvalidInput

FloatArray = npt.NDArray[np.float64]

_MARKET_STREAM, _SYMBOL_STREAM, _CANDLE_STREAM = 1, 2, 3
_IMBALANCES = np.linspace(-6.0, 6.0, 601)
_BLOCKS_IN_MEMORY = 2  # a warm-up window may reach back over the turn of a month


@dataclass(frozen=True)
class SimulatedMarketConfig:
    """The simulated market's constants. Everything that it gives follows from these and the symbol."""

    seed: int = 7
    first_day: date = date(2025, 1, 1)
    edge_strength: float = 1.0
    """0: a martingale, nothing can be known ahead. 1: pays 25 bps of round-trip costs comfortably."""
    signal_half_life_minutes: float = 25.0
    signal_threshold: float = 0.8
    signal_drift_bps: float = 2.8
    """drift of a minute per standard deviation of imbalance beyond the threshold"""
    signal_horizon_minutes: int = 45
    """the horizon over which `planted_signal` adds up the expected drift"""

    def __post_init__(self) -> None:
        if self.edge_strength < 0:
            raise InvalidInput(
                f"The edge strength {self.edge_strength} is negative.", "Use 0 for none, 1 for the usual."
            )


@dataclass(frozen=True)
class _Block:
    first_day: date
    symbols: dict[str, SymbolPath]


class SimulatedMarket:
    """A CandleSource whose candles are made up; the same bytes in any process and order of asking."""

    def __init__(self, config: SimulatedMarketConfig, symbols: Sequence[str], timeframe: Timeframe) -> None:
        self._config = config
        self._timeframe = timeframe
        self._symbols = {symbol: symbol_parameters(symbol) for symbol in symbols}
        self._edge = Edge(
            config.edge_strength,
            config.signal_half_life_minutes,
            config.signal_threshold,
            config.signal_drift_bps,
        )
        start = {symbol: first_symbol_state(each) for symbol, each in self._symbols.items()}
        self._starts: list[tuple[MarketState, dict[str, SymbolState]]] = [(MarketState(), start)]
        self._blocks: dict[int, _Block] = {}

    @property
    def identity(self) -> SourceIdentity:
        """`simulated`, with the constants that decide what it gives."""
        config = self._config
        detail = {
            "seed": str(config.seed),
            "first_day": config.first_day.isoformat(),
            "edge_strength": str(config.edge_strength),
            "timeframe": self._timeframe.name,
        }
        return SourceIdentity("simulated", True, detail)

    def check_symbols(self, symbols: Sequence[str]) -> None:
        """Raise InvalidInput for a symbol that this market was not made for."""
        for symbol in symbols:
            if symbol not in self._symbols:
                raise unknown_symbol(symbol, self._symbols, "this simulated market")

    def fetch_day(self, symbol: str, day: date) -> pa.Table:
        """The candles of `day` in RAW_SCHEMA. Raises InvalidInput before the market's first day."""
        path, first = self._day_of(symbol, day)
        minutes = slice(first, first + 1440)
        parameters = self._symbols[symbol]
        generator = np.random.default_rng(
            [self._config.seed, _CANDLE_STREAM, parameters.code, day.toordinal()]
        )
        return draw_day(
            generator,
            parameters,
            DaysPath(
                path.log_price[first : first + 1441], path.volatility_bps[minutes], path.imbalance[minutes]
            ),
            int(day_start(day).timestamp() * 1000),
            self._timeframe,
        )

    def fetch_funding(self, symbol: str, day: date) -> pa.Table:  # noqa: ARG002 - the agreement's
        """None: this is a spot market."""
        self.check_symbols([symbol])
        return empty_funding()

    def market_info(self, symbol: str) -> MarketInfo | None:
        """None: this market takes any order."""
        self.check_symbols([symbol])
        return None

    def planted_signal(self, symbol: str, day: date) -> FloatArray:
        """What an oracle knows at each bar's close: the expected move in bps of the next minutes.

        One value per bar: the drift that the latent imbalance at the bar's close will bring over the next
        `signal_horizon_minutes`, without regimes and noise. All zero where the edge strength is 0.
        """
        path, first = self._day_of(symbol, day)
        at_close = path.imbalance[first : first + 1440].reshape(self._timeframe.bars_per_day, -1)[:, -1]
        return np.asarray(np.interp(at_close, _IMBALANCES, self._expected_moves), dtype=np.float64)

    @cached_property
    def _expected_moves(self) -> FloatArray:
        """For each of _IMBALANCES the sum of E[drift(z_k) | z_0], z_k normal (Gauss-Hermite, 41 nodes)."""
        nodes, weights = np.polynomial.hermite_e.hermegauss(41)
        decay = 0.5 ** (1.0 / self._config.signal_half_life_minutes)
        total = np.zeros_like(_IMBALANCES)
        for step in range(self._config.signal_horizon_minutes):
            mean, deviation = decay**step * _IMBALANCES, np.sqrt(1 - decay ** (2 * step))
            later = self._edge.drift(mean[:, None] + deviation * nodes[None, :])
            total += later @ weights / weights.sum()
        return total

    def _day_of(self, symbol: str, day: date) -> tuple[SymbolPath, int]:
        self.check_symbols([symbol])
        first_day = self._config.first_day
        if day < first_day:
            raise InvalidInput(
                f"The simulated market begins on {first_day}; {day} lies before.",
                "Choose a later day or set an earlier first day.",
            )
        index = (day.year - first_day.year) * 12 + day.month - first_day.month
        block = self._block(index)
        return block.symbols[symbol], (day - block.first_day).days * 1440

    def _block(self, index: int) -> _Block:
        """The block, from memory or walked from the last known start; starts of all blocks are kept."""
        if index in self._blocks:
            return self._blocks[index]
        for each in range(min(index, len(self._starts) - 1), index + 1):
            block = self._walk(each)
        self._blocks[index] = block
        while len(self._blocks) > _BLOCKS_IN_MEMORY:
            del self._blocks[next(iter(self._blocks))]
        return block

    def _walk(self, index: int) -> _Block:
        first_day, days = self._span(index)
        seed = self._config.seed
        market_start, symbol_starts = self._starts[index]
        generator = np.random.default_rng([seed, _MARKET_STREAM, index])
        market = walk_market(generator, days, market_start, self._edge)
        paths = {}
        for symbol, parameters in self._symbols.items():
            own = np.random.default_rng([seed, _SYMBOL_STREAM, index, parameters.code])
            paths[symbol] = walk_symbol(own, market, parameters, symbol_starts[symbol], self._edge)
        if len(self._starts) == index + 1:
            self._starts.append((market.end, {symbol: path.end for symbol, path in paths.items()}))
        return _Block(first_day, paths)

    def _span(self, index: int) -> tuple[date, int]:
        start = self._config.first_day
        years, month = divmod(start.month - 1 + index, 12)
        year = start.year + years
        first = start if index == 0 else date(year, month + 1, 1)
        return first, monthrange(year, month + 1)[1] - first.day + 1


SOURCE = CandleSourceKind(name="simulated", settings=SimulatedMarketConfig, open=SimulatedMarket)
