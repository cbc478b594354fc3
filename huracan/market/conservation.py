"""The audit of a ledger: money is neither made nor lost between the trades and the accounts."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.schema import TRADED
from huracan.market.rules import TradingRules
from huracan.market.session import Session
from huracan.verdict import Number, Verdict

CENT = 0.005
MS_PER_DAY = 86_400_000
_COSTS = ("fee", "spread", "slippage")


def judge_ledger(session: Session, rules: TradingRules, ohlcv: pa.Table | None = None) -> Verdict:
    """Rule "ledger_conservation", blocking.

    At every bar equity = cash + position and cash is not negative; per symbol and day the final equity is
    the starting cash + the net results, to the cent, and the account is flat; net = gross - costs in every
    trade, in USD and in bps. With `ohlcv`, also that every entry and exit lies on a traded candle and
    inside its range.
    """
    faults = [*_trade_faults(session.trades), *_account_faults(session, rules)]
    if ohlcv is not None:
        faults += _fill_faults(session.trades, ohlcv)
    net = float(pc.sum(session.trades["net_usd"]).as_py() or 0.0)
    numbers: dict[str, Number] = {
        "trades": session.trades.num_rows,
        "bars": session.bars.num_rows,
        "net_usd": round(net, 6),
        "faults": len(faults),
    }
    reason = faults[0] if faults else "Every account equals its cash and trades to the cent."
    return Verdict("ledger_conservation", not faults, reason, numbers)


def _trade_faults(trades: pa.Table) -> Iterator[str]:
    column = {
        name: trades[name].to_numpy() for name in trades.column_names if name.endswith(("_usd", "_bps"))
    }
    for unit, tolerance in (("usd", CENT), ("bps", 1e-6)):
        costs = sum(column[f"{cost}_{unit}"] for cost in _COSTS)
        wrong = ~(np.abs(column[f"gross_{unit}"] - costs - column[f"net_{unit}"]) <= tolerance)
        for place in np.flatnonzero(wrong):
            yield f"Trade {trades['trade_id'][int(place)]}: net_{unit} is not gross minus costs."


def _account_faults(session: Session, rules: TradingRules) -> Iterator[str]:
    bars, trades = session.bars, session.trades
    cash, position = bars["cash_usd"].to_numpy(), bars["position_value_usd"].to_numpy()
    equity, paid = bars["equity_usd"].to_numpy(), bars["costs_usd"].to_numpy()
    if not (np.abs(cash + position - equity) <= CENT).all():
        yield "At some bar equity is not cash + position."
    if (cash < 0).any():
        yield "Cash was negative."
    result = trades["net_usd"].to_numpy()
    costs = sum(trades[f"{cost}_usd"].to_numpy() for cost in _COSTS)
    ledger = _account_keys(trades, "entry_time")
    account = _account_keys(bars, "open_time")
    for missing in set(ledger.tolist()) - set(account.tolist()):
        yield f"Account {missing} has trades and no bars."
    for key in np.unique(account):
        rows, own = np.flatnonzero(account == key), ledger == key
        last = rows[-1]
        expected = rules.starting_cash_usd + float(result[own].sum())
        if not abs(equity[last] - expected) <= CENT:
            yield f"Account {key} ended with {equity[last]:.4f} USD and its trades say {expected:.4f}."
        if position[last] != 0.0:
            yield f"Account {key} was not flat at the end of its session."
        if not abs(paid[last] - float(np.sum(costs[own]))) <= CENT:
            yield f"Account {key} paid other costs than its trades."


def _account_keys(table: pa.Table, time: str) -> np.ndarray[tuple[int], np.dtype[np.str_]]:
    days = table[time].cast(pa.int64()).to_numpy() // MS_PER_DAY
    symbols = np.array(table["symbol"].to_pylist(), dtype=str)
    return np.char.add(np.char.add(symbols, " "), np.datetime_as_string(days.astype("datetime64[D]")))


def _fill_faults(trades: pa.Table, ohlcv: pa.Table) -> Iterator[str]:
    candles = {
        (symbol, time): (status, low, high)
        for symbol, time, status, low, high in zip(
            *(ohlcv[name].to_pylist() for name in ("symbol", "open_time", "status", "low", "high")),
            strict=True,
        )
    }
    for side in ("entry", "exit"):
        for identity, symbol, time, price in zip(
            *(trades[name].to_pylist() for name in ("trade_id", "symbol")),
            trades[f"{side}_time"].to_pylist(),
            trades[f"{side}_reference_price"].to_pylist(),
            strict=True,
        ):
            status, low, high = candles.get((symbol, time), (None, None, None))
            if status != TRADED or low is None or high is None:
                yield f"Trade {identity}: its {side} is on a bar that was not traded."
            elif not low * (1 - 1e-9) <= price <= high * (1 + 1e-9):
                yield f"Trade {identity}: its {side} is outside the candle's range."
