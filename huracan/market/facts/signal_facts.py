"""The market at each signal, measured on the last bars that had closed by then; see `columns` for each fact.

A signal's facts depend on its own LONG_BARS bars and the one before them, to the bit: neither on later
candles nor on how many there were earlier. What a gate makes of them belongs in its file.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.candles.schema import TRADED
from huracan.candles.spread import half_spread_moments
from huracan.errors import InvalidInput
from huracan.market.facts.columns import FACTS_SCHEMA, LONG_BARS, SHORT_BARS
from huracan.market.facts.flow import bulk_bought, imbalance, toxicity
from huracan.units import BASIS_POINT, WHOLE_BPS

Floats = NDArray[np.float64]
Bars = Mapping[str, Floats]

_FEWEST_BARS = 20
_MILLION = 1e6
_READ = ("open", "high", "low", "close", "volume", "taker_buy_volume")
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
    """The market at closes of candles, measured once for each that is asked for."""

    def __init__(self, candles: pa.Table) -> None:
        self._candles = candles
        self._known: dict[str, _Candles] = {}
        self._measured: dict[tuple[str, int], _Row] = {}

    def at(self, symbols: Sequence[str], moments_ms: Sequence[int], names: Sequence[str]) -> pa.Table:
        """FACTS_SCHEMA of `symbols` at `moments_ms` (UTC, since 1970), row by row; `names` are the rows'
        identities. InvalidInput as `signal_facts`."""
        places = zip(names, symbols, moments_ms, strict=True)
        rows = [{"trade_id": name, **self._row(symbol, moment)} for name, symbol, moment in places]
        return pa.Table.from_pylist(rows, schema=FACTS_SCHEMA)

    def _row(self, symbol: str, moment_ms: int) -> "_Row":
        place = (symbol, moment_ms)
        if place not in self._measured:
            if symbol not in self._known:
                self._known[symbol] = _Candles.of(self._candles, symbol)
            self._measured[place] = self._known[symbol].facts_at(moment_ms)
        return self._measured[place]


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
        end = int(np.searchsorted(self._closes_ms, moment_ms, side="right"))
        begin = max(0, end - LONG_BARS - 1)
        facts = _measured({name: values[begin:end] for name, values in self._bars.items()})
        told = facts | {"bar_minutes": self._minutes}
        return {name: value if np.isfinite(value) else None for name, value in told.items()}


def _measured(bars: Bars) -> dict[str, float | bool]:
    """The facts of a window, whose first bar only says where the second began."""
    traded = bars["traded"][1:] > 0.0
    if not len(traded):
        return {}
    moved = traded & (bars["high"][1:] > bars["low"][1:])
    facts: dict[str, float | bool] = {"untraded_share": 1.0 - float(moved.mean())}
    if traded.sum() < _FEWEST_BARS:
        return facts
    both = traded & (bars["traded"][:-1] > 0.0)
    move = np.full(len(traded), np.nan)
    move[both] = np.log(bars["close"][1:][both] / bars["close"][:-1][both])
    own = {name: values[1:] for name, values in bars.items()}
    return facts | _of_prices(own, traded, both, move) | _of_flow(own, traded, move) | _of_fills(own, traded)


def _of_prices(
    own: Bars, traded: NDArray[np.bool_], both: NDArray[np.bool_], move: Floats
) -> dict[str, float]:
    moments = half_spread_moments(own["high"], own["low"], own["close"])[traded[:-1] & traded[1:]]
    value_usd = own["volume"] * own["close"]
    dear = both & (value_usd > 0.0)
    deviation, short = _deviation(move), move[-SHORT_BARS:]
    last = float(move[-1]) if np.isfinite(move[-1]) else 0.0
    return {
        "half_spread_bps": float(np.sqrt(max(moments.mean(), 0.0))) if len(moments) else float("nan"),
        "illiquidity_bps": _mean(np.abs(move[dear]) * WHOLE_BPS * _MILLION / value_usd[dear]),
        "compression": _over(_deviation(short), deviation),
        "last_move": _over(last, deviation),
        "short_move": _walked(short, deviation),
        "long_move": _walked(move, deviation),
    }


def _of_flow(own: Bars, traded: NDArray[np.bool_], move: Floats) -> dict[str, float | bool]:
    volume = np.where(traded, own["volume"], 0.0)
    said = np.where(traded, own["taker_buy_volume"], 0.0)
    is_estimated = not bool(np.isfinite(said).all())
    bought = bulk_bought(volume, move, _deviation(move)) if is_estimated else said
    now, before = slice(-SHORT_BARS, None), slice(-2 * SHORT_BARS, -SHORT_BARS)
    return {
        "imbalance": imbalance(volume[now], bought[now]),
        "earlier_imbalance": imbalance(volume[before], bought[before]),
        "toxicity": toxicity(volume, bought),
        "is_flow_estimated": is_estimated,
        "activity": _over(float(volume[now].mean()), float(volume.mean())),
    }


def _of_fills(own: Bars, traded: NDArray[np.bool_]) -> dict[str, float]:
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
