"""The market at each signal, measured on the last bars that had closed by then; see `columns` for each fact.

A signal's facts depend on its own LONG_BARS bars and the one before them, to the bit: neither on later
candles nor on how many there were earlier. What a gate makes of them belongs in its file.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.candles.schema import TRADED
from huracan.candles.spread import half_spread_moments
from huracan.errors import InvalidInput
from huracan.market.facts.columns import BRIEF_SCHEMA, FACTS_SCHEMA, LONG_BARS, SHORT_BARS
from huracan.market.facts.flow import bulk_bought, imbalance, toxicity
from huracan.units import BASIS_POINT, WHOLE_BPS

Floats = NDArray[np.float64]
Bars = Mapping[str, Floats]

_FEWEST_BARS = 20
_MILLION = 1e6
_READ = ("open", "high", "low", "close", "volume", "taker_buy_volume")
_NOW, _BEFORE = slice(-SHORT_BARS, None), slice(-2 * SHORT_BARS, -SHORT_BARS)
_Facts = dict[str, float | bool]
_Row = dict[str, float | bool | None]


def signal_facts(signals: pa.Table, candles: pa.Table) -> pa.Table:
    """FACTS_SCHEMA of `signals` (trade_id, symbol, signal_time), in their order.

    `candles` are OHLCV_SCHEMA in time order within each symbol. A bar counts where it had closed at the
    signal. A symbol without candles has no facts: all null. InvalidInput where candles are out of order.
    """
    moments = pc.cast(signals["signal_time"], pa.int64()).to_pylist()
    names, symbols = signals["trade_id"].to_pylist(), signals["symbol"].to_pylist()
    return MarketFacts(candles).at(symbols, moments, names)


class MarketFacts:
    """The market at closes of candles."""

    def __init__(self, candles: pa.Table) -> None:
        self._candles = candles
        self._known: dict[str, _Candles] = {}

    def at(self, symbols: Sequence[str], moments_ms: Sequence[int], names: Sequence[str]) -> pa.Table:
        """FACTS_SCHEMA of `symbols` at `moments_ms` (UTC, since 1970), row by row; `names` are the rows'
        identities. Null where the last candle had not closed just then. InvalidInput as `signal_facts`."""
        return self._table(symbols, moments_ms, names, FACTS_SCHEMA, _Candles.facts_at)

    def brief_at(self, symbols: Sequence[str], moments_ms: Sequence[int], names: Sequence[str]) -> pa.Table:
        """BRIEF_SCHEMA, a few of the same facts, likewise."""
        return self._table(symbols, moments_ms, names, BRIEF_SCHEMA, _Candles.brief_at)

    def _table(
        self,
        symbols: Sequence[str],
        moments_ms: Sequence[int],
        names: Sequence[str],
        schema: pa.Schema,
        ask: "Callable[[_Candles, int], _Row]",
    ) -> pa.Table:
        found = dict[tuple[str, int], _Row]()
        for place in zip(symbols, moments_ms, strict=True):
            if place not in found:
                found[place] = ask(self._candles_of(place[0]), place[1])
        places = zip(names, symbols, moments_ms, strict=True)
        rows = [{"trade_id": name, **found[symbol, moment]} for name, symbol, moment in places]
        return pa.Table.from_pylist(rows, schema=schema)

    def _candles_of(self, symbol: str) -> "_Candles":
        if symbol not in self._known:
            self._known[symbol] = _Candles.of(self._candles, symbol)
        return self._known[symbol]


class _Candles:
    """One symbol's candles, as arrays by bar."""

    def __init__(self, closes_ms: NDArray[np.int64], bars: dict[str, Floats], minutes: float) -> None:
        self._closes_ms, self._bars, self._minutes = closes_ms, bars, minutes

    @staticmethod
    def of(candles: pa.Table, symbol: str) -> "_Candles":
        own = candles.filter(pc.equal(candles["symbol"], symbol))
        closes, opens = (pc.cast(own[name], pa.int64()).to_numpy() for name in ("close_time", "open_time"))
        if (np.diff(closes) <= 0).any():
            raise InvalidInput(
                f"The candles of {symbol} are not in time order.", "Give each bar once, days in their order."
            )
        bars = {name: _floats(own, name) for name in _READ}
        bars["traded"] = pc.equal(own["status"], TRADED).to_numpy(zero_copy_only=False).astype(np.float64)
        return _Candles(closes, bars, float(closes[0] - opens[0]) / 60_000 if len(closes) else float("nan"))

    def facts_at(self, moment_ms: int) -> _Row:
        return _known(_measured(self._window(moment_ms)) | {"bar_minutes": self._minutes})

    def brief_at(self, moment_ms: int) -> _Row:
        return _known(_brief(self._window(moment_ms)))

    def _window(self, moment_ms: int) -> Bars:
        end = int(np.searchsorted(self._closes_ms, moment_ms, side="right"))
        begin = max(0, end - LONG_BARS - 1)
        # Candles that ended long ago say nothing of this close.
        if end and moment_ms - self._closes_ms[end - 1] >= self._minutes * 60_000:
            begin = end
        return {name: values[begin:end] for name, values in self._bars.items()}


def _known(facts: _Facts) -> _Row:
    return {name: value if np.isfinite(value) else None for name, value in facts.items()}


def _measured(bars: Bars) -> _Facts:
    """The facts of a window, whose first bar only says where the second began."""
    traded = bars["traded"][1:] > 0.0
    if not len(traded):
        return {}
    moved = traded & (bars["high"][1:] > bars["low"][1:])
    facts: _Facts = {"untraded_share": 1.0 - float(moved.mean())}
    window = _Window.of(bars)
    if window is None:
        return facts
    return facts | window.brief() | window.of_prices() | window.of_flow() | _of_fills(window.own, traded)


def _brief(bars: Bars) -> _Facts:
    """BRIEF of the window, the same to the bit."""
    window = _Window.of(bars)
    return {} if window is None else window.brief()


@dataclass(frozen=True, eq=False)
class _Window:
    """Bars that enough was traded in, and what several facts are made of."""

    own: Bars
    traded: NDArray[np.bool_]
    both: NDArray[np.bool_]
    """That bar and the one before it were traded."""
    move: Floats
    """Log return, NaN where not both were."""
    deviation: float
    volume: Floats
    bought: Floats
    is_estimated: bool

    @staticmethod
    def of(bars: Bars) -> "_Window | None":
        """None where too little was traded to measure more than that."""
        traded = bars["traded"][1:] > 0.0
        if traded.sum() < _FEWEST_BARS:
            return None
        both = traded & (bars["traded"][:-1] > 0.0)
        move = np.full(len(traded), np.nan)
        move[both] = np.log(bars["close"][1:][both] / bars["close"][:-1][both])
        own = {name: values[1:] for name, values in bars.items()}
        volume = np.where(traded, own["volume"], 0.0)
        said = np.where(traded, own["taker_buy_volume"], 0.0)
        is_estimated, deviation = not bool(np.isfinite(said).all()), _deviation(move)
        bought = bulk_bought(volume, move, deviation) if is_estimated else said
        return _Window(own, traded, both, move, deviation, volume, bought, is_estimated)

    def brief(self) -> _Facts:
        """BRIEF"""
        volume, bought = self.volume, self.bought
        return {
            "imbalance": imbalance(volume[_NOW], bought[_NOW]),
            "activity": _over(float(volume[_NOW].mean()), float(volume.mean())),
            "short_move": _walked(self.move[_NOW], self.deviation),
            "long_move": _walked(self.move, self.deviation),
        }

    def of_prices(self) -> _Facts:
        """The others that prices tell."""
        own, move = self.own, self.move
        moments = half_spread_moments(own["high"], own["low"], own["close"])
        moments = moments[self.traded[:-1] & self.traded[1:]]
        value_usd = own["volume"] * own["close"]
        dear = self.both & (value_usd > 0.0)
        last = float(move[-1]) if np.isfinite(move[-1]) else 0.0
        return {
            "half_spread_bps": float(np.sqrt(max(moments.mean(), 0.0))) if len(moments) else float("nan"),
            "illiquidity_bps": _mean(np.abs(move[dear]) * WHOLE_BPS * _MILLION / value_usd[dear]),
            "compression": _over(_deviation(move[_NOW]), self.deviation),
            "last_move": _over(last, self.deviation),
        }

    def of_flow(self) -> _Facts:
        """The others that volume tells."""
        return {
            "earlier_imbalance": imbalance(self.volume[_BEFORE], self.bought[_BEFORE]),
            "toxicity": toxicity(self.volume, self.bought),
            "is_flow_estimated": self.is_estimated,
        }


def _of_fills(own: Bars, traded: NDArray[np.bool_]) -> _Facts:
    """Of an order that rests at the open of a bar: how often it is filled, and what the price does then."""
    opened, closed = own["open"][traded], own["close"][traded]
    drift = np.log(closed / opened) / BASIS_POINT
    buys, sells = own["low"][traded] < opened, own["high"][traded] > opened
    usual = float(drift.mean())
    # A bar that was not traded fills nobody.
    return {
        "buy_fill_chance": float(buys.sum()) / len(traded),
        "sell_fill_chance": float(sells.sum()) / len(traded),
        "buy_fill_drift_bps": _mean(drift[buys]) - usual,
        "sell_fill_drift_bps": usual - _mean(drift[sells]),
    }


def _deviation(move: Floats) -> float:
    """Population standard deviation of the moves that are known; NaN of fewer than two."""
    known = move[np.isfinite(move)]
    return float(known.std()) if len(known) > 1 else float("nan")


def _walked(move: Floats, deviation: float) -> float:
    """The sum of the moves that are known, in the deviation that a random walk of as many has."""
    known = move[np.isfinite(move)]
    return _over(float(known.sum()), deviation * float(np.sqrt(len(known))))


def _over(value: float, unit: float) -> float:
    return value / unit if unit > 0.0 else float("nan")


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _floats(table: pa.Table, name: str) -> Floats:
    return np.asarray(pc.fill_null(table[name], float("nan")).to_numpy(), dtype=np.float64)
