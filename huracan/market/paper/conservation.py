"""The audit of a ledger: money is neither made nor lost between the fills, the trades and the accounts."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.market.block import MS_PER_DAY
from huracan.market.paper.fill_audit import candle_faults, fill_faults
from huracan.market.paper.session import Session
from huracan.market.paper.signals import TRADED
from huracan.market.rules import TradingRules
from huracan.verdict import Number, Verdict

CENT = 0.005
_COSTS = ("fee", "spread", "slippage", "funding")

Integers = NDArray[np.int64]


def judge_ledger(session: Session, rules: TradingRules, ohlcv: pa.Table | None = None) -> Verdict:
    """Check "ledger_conservation", blocking.

    At every bar equity = cash + position and cash is not negative; per symbol and day the final equity is
    the starting cash + the net results, to the cent, and the account is flat; net = gross - costs in every
    trade, in USD and in bps; the fills of a trade add up to it. With `ohlcv`, also that every fill lies on a
    traded candle and inside its range.
    """
    faults = [
        *_trade_faults(session.trades),
        *fill_faults(session.trades, session.fills),
        *_account_faults(session, rules),
    ]
    if ohlcv is not None:
        faults += candle_faults(session.fills, ohlcv)
    net = float(pc.sum(session.trades["net_usd"]).as_py() or 0.0)
    numbers: dict[str, Number] = {
        "trades": session.trades.num_rows,
        "fills": session.fills.num_rows,
        "bars": session.bars.num_rows,
        "net_usd": round(net, 6),
        "faults": len(faults),
    }
    reason = faults[0] if faults else "Every account equals its cash, fills and trades to the cent."
    return Verdict("ledger_conservation", not faults, reason, numbers)


def judge_signals_told(session: Session) -> Verdict:
    """Check "signal_coverage", blocking: every trade is one traded signal at its time, and no other is."""
    traded = session.signals.filter(pc.equal(session.signals["status"], TRADED))
    keys = ("trade_id", "symbol", "signal_time")
    told, held = (
        sorted(zip(*(table[key].to_pylist() for key in keys), strict=True))
        for table in (traded, session.trades)
    )
    counts = {row["values"]: row["counts"] for row in pc.value_counts(session.signals["status"]).to_pylist()}
    reason = f"{len(told)} traded signals and {len(held)} trades; {session.signals.num_rows} signals in all."
    return Verdict(
        "signal_coverage", told == held, reason, {f"signals_{name}": counts[name] for name in sorted(counts)}
    )


def _trade_faults(trades: pa.Table) -> Iterator[str]:
    column = {
        name: trades[name].to_numpy() for name in trades.column_names if name.endswith(("_usd", "_bps"))
    }
    for unit, tolerance in (("usd", CENT), ("bps", 1e-6)):
        costs = sum(column[f"{cost}_{unit}"] for cost in _COSTS)
        wrong = ~(np.abs(column[f"gross_{unit}"] - costs - column[f"net_{unit}"]) <= tolerance)
        for index in np.flatnonzero(wrong):
            yield f"Trade {trades['trade_id'][int(index)]}: net_{unit} is not gross minus costs."


def _account_faults(session: Session, rules: TradingRules) -> Iterator[str]:
    """An account is a symbol on a day; its rows need not lie together."""
    bars, trades = session.bars, session.trades
    cash, position = bars["cash_usd"].to_numpy(), bars["position_value_usd"].to_numpy()
    equity, paid = bars["equity_usd"].to_numpy(), bars["costs_usd"].to_numpy()
    if not (np.abs(cash + position - equity) <= CENT).all():
        yield "At some bar equity is not cash + position."
    # The loss of a short that gapped over its stop may be more than its account: `TradingRules.allow_short`.
    may_owe = (position == 0.0) & rules.allow_short
    if not ((cash >= 0) | may_owe).all():
        yield "Cash was negative."
    symbols = pc.unique(pa.chunked_array([*bars["symbol"].chunks, *trades["symbol"].chunks], pa.string()))
    account, moment = _accounts(bars, "open_time", symbols)
    ledger, _ = _accounts(trades, "entry_time", symbols)
    for missing in np.setdiff1d(ledger, account):
        yield f"Account {_named(missing, symbols)} has trades and no bars."
    order = np.lexsort((moment, account))
    ends = order[np.flatnonzero(np.append(np.diff(account[order]) != 0, True))] if order.size else order
    index = np.searchsorted(account[ends], ledger).clip(0, max(len(ends) - 1, 0))
    result, costs = np.zeros(ends.size), np.zeros(ends.size)
    if ends.size:
        np.add.at(result, index, trades["net_usd"].to_numpy())
        np.add.at(costs, index, sum(trades[f"{cost}_usd"].to_numpy() for cost in _COSTS))
    for last, net, cost in zip(ends.tolist(), result.tolist(), costs.tolist(), strict=True):
        key, expected = _named(account[last], symbols), rules.starting_cash_usd + net
        if not abs(equity[last] - expected) <= CENT:
            yield f"Account {key} ended with {equity[last]:.4f} USD and its trades say {expected:.4f}."
        if position[last] != 0.0:
            yield f"Account {key} was not flat at the end of its session."
        if not abs(paid[last] - cost) <= CENT:
            yield f"Account {key} paid other costs than its trades."


def _accounts(table: pa.Table, time: str, symbols: pa.Array) -> tuple[Integers, Integers]:
    """[rows] the account that a row belongs to, as one number, and the row's time in milliseconds."""
    moment = table[time].cast(pa.int64()).to_numpy()
    symbol = pc.index_in(table["symbol"], value_set=symbols).to_numpy().astype(np.int64)
    return symbol * 1_000_000 + moment // MS_PER_DAY, moment


def _named(account: int, symbols: pa.Array) -> str:
    return f"{symbols[int(account) // 1_000_000]} {np.datetime64(int(account) % 1_000_000, 'D')}"
