"""The audit of a ledger: money is neither made nor lost between fills, trades, accounts and days."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.market.ledger import LEFT_UNIVERSE, SHORT, TRADED
from huracan.market.paper.fill_audit import candle_faults, fill_faults
from huracan.market.paper.session import Session
from huracan.market.rules import TradingRules
from huracan.verdict import Number, Verdict

CENT = 0.005
_COSTS = ("fee", "spread", "slippage", "funding")

Floats = NDArray[np.float64]


def judge_ledger(
    session: Session,
    rules: TradingRules,
    ohlcv: pa.Table | None = None,
    accounts: pa.Table | None = None,
    spot: Collection[str] = (),
) -> Verdict:
    """Check "ledger_conservation", blocking.

    `accounts` are those of the day before (OPEN_POSITIONS_SCHEMA); without them every one begins anew. In the
    symbols of `spot` no leverage is lent. At every bar equity = cash + position, and its result is the change
    of equity, at the first since `accounts`; per account the results sum to the net of what was closed and
    the change of what is open, to the cent, and what is handed on is what the last bar says; net = gross -
    costs in every trade, in USD and in bps; the fills of a trade add up to it. With `ohlcv` of the day, also
    that each of its fills lies inside the range of a candle that was traded.
    """
    faults = [
        *_trade_faults(session.trades),
        *fill_faults(session.trades, session.fills),
        *_account_faults(session, rules, accounts, spot),
    ]
    if ohlcv is not None:
        faults += candle_faults(session.fills, ohlcv)
        faults += candle_faults(_open_fills(session.open_positions), ohlcv)
    net = float(pc.sum(session.trades["net_usd"]).as_py() or 0.0)
    result = float(pc.sum(session.bars["result_usd"]).as_py() or 0.0)
    numbers: dict[str, Number] = {
        "trades": session.trades.num_rows,
        "fills": session.fills.num_rows,
        "bars": session.bars.num_rows,
        "held": session.open_positions["side"].is_valid().to_pylist().count(True),
        "net_usd": round(net, 6),
        "result_usd": round(result, 6),
        "faults": len(faults),
    }
    reason = faults[0] if faults else "Every account equals its cash, fills and trades to the cent."
    return Verdict("ledger_conservation", not faults, reason, numbers)


def judge_signals_told(session: Session) -> Verdict:
    """Check "signal_coverage", blocking: every position that was opened, closed by now or not, is one traded
    signal at its time, and no other is."""
    traded = session.signals.filter(pc.equal(session.signals["status"], TRADED))
    keys = ("trade_id", "symbol", "signal_time")
    begins = pc.min(session.bars["open_time"]).as_py()
    told = sorted(zip(*(traded[key].to_pylist() for key in keys), strict=True))
    opened = sorted(
        row
        for table in (session.trades, session.open_positions)
        for row in zip(*(table[key].to_pylist() for key in keys), strict=True)
        if row[0] is not None and row[2] >= begins
    )
    counts = {row["values"]: row["counts"] for row in pc.value_counts(session.signals["status"]).to_pylist()}
    reason = (
        f"{len(told)} traded signals and {len(opened)} positions; {session.signals.num_rows} signals in all."
    )
    return Verdict(
        "signal_coverage",
        told == opened,
        reason,
        {f"signals_{name}": counts[name] for name in sorted(counts)},
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


def _open_fills(accounts: pa.Table) -> pa.Table:
    """The fills so far of what is held, with trade and symbol as in the table of fills."""
    lists = accounts["fills"].combine_chunks()
    owner = pc.list_parent_indices(lists)
    fills = pa.Table.from_struct_array(lists.flatten())
    for name in ("symbol", "trade_id"):
        fills = fills.add_column(0, name, accounts[name].take(owner))
    return fills


@dataclass(frozen=True)
class _Stand:
    """What an account had at a moment, USD."""

    equity: float
    peak: float
    costs: float
    """Paid since it began."""
    open_result: float = 0.0
    """What its position has come to."""
    open_costs: float = 0.0

    @staticmethod
    def of(row: dict[str, Any] | None, rules: TradingRules) -> "_Stand":
        """Of a row of OPEN_POSITIONS_SCHEMA; None: of a new account."""
        if row is None:
            return _Stand(rules.starting_cash_usd, rules.starting_cash_usd, 0.0)
        open_costs = sum(row[f"{cost}_usd"] or 0.0 for cost in _COSTS)
        return _Stand(
            row["equity_usd"], row["peak_usd"], row["costs_usd"], row["result_usd"] or 0.0, open_costs
        )


def _account_faults(
    session: Session, rules: TradingRules, accounts: pa.Table | None, spot: Collection[str]
) -> Iterator[str]:
    """An account is a symbol; its rows need not lie together."""
    bars = session.bars
    cash, position = bars["cash_usd"].to_numpy(), bars["position_value_usd"].to_numpy()
    if not (np.abs(cash + position - bars["equity_usd"].to_numpy()) <= CENT).all():
        yield "At some bar equity is not cash + position."
    before, after = _by_symbol(accounts), _by_symbol(session.open_positions)
    order = np.argsort(bars["open_time"].cast(pa.int64()).to_numpy(), kind="stable")
    symbols = bars["symbol"].to_numpy(zero_copy_only=False)[order]
    names = ("cash_usd", "position_value_usd", "equity_usd", "result_usd", "costs_usd")
    column = {name: bars[name].to_numpy()[order] for name in names}
    booked = _booked(session.trades)
    for symbol in dict.fromkeys((*symbols.tolist(), *booked, *after)):
        own = symbols == symbol
        if not own.any():
            yield f"The account of {symbol} has trades or is handed on, and has no bars."
            continue
        stood = _Stand.of(before.get(symbol), rules)
        rows = {name: values[own] for name, values in column.items()}
        is_leveraged = rules.maximum_leverage > 1.0 and symbol not in spot
        if not is_leveraged and _owes(rows, before.get(symbol), rules):
            yield f"Cash was negative in the account of {symbol}."
        made = booked.get(symbol, (0.0, 0.0))
        yield from _account_of_symbol(symbol, rows, stood, after.get(symbol), made, rules)
    for symbol in before.keys() - after.keys():
        if before[symbol]["side"] is not None and symbol not in _left(session.trades):
            yield f"What became of the position in {symbol} that was open the day before is not told."


def _owes(rows: dict[str, Floats], before: dict[str, Any] | None, rules: TradingRules) -> bool:
    """Whether the account, which has no leverage, owes money that nobody lends.

    The loss of a short that gapped over its stop may be more than its account (`TradingRules.allow_short`),
    also where the rules of today allow none; and what was lent is not called in because they lend no more.
    """
    if before is not None and before["cash_usd"] < 0.0:
        return False
    had_short = before is not None and before["side"] == SHORT
    is_lent = (rows["position_value_usd"] == 0.0) & (rules.allow_short or had_short)
    return not bool(((rows["cash_usd"] >= 0.0) | is_lent).all())


def _account_of_symbol(
    symbol: str,
    rows: dict[str, Floats],
    stood: _Stand,
    handed_on: dict[str, Any] | None,
    made: tuple[float, float],
    rules: TradingRules,
) -> Iterator[str]:
    """`made`: net and costs of its closed trades."""
    (net, costs), equity, last = made, rows["equity_usd"], float(rows["equity_usd"][-1])
    changed = np.diff(equity, prepend=stood.equity)
    if not (np.abs(changed - rows["result_usd"]) <= CENT).all():
        yield f"Some result of {symbol} is not the change of its equity since the bar or day before."
    ends = _Stand(last, 0.0, float(rows["costs_usd"][-1]))
    if handed_on is not None:
        ends = _Stand.of(handed_on, rules)
        if not abs(ends.equity - last) <= CENT:
            yield f"The account of {symbol} ended with {last:.4f} USD and hands on {ends.equity:.4f}."
        if not abs(ends.peak - max(stood.peak, float(equity.max()))) <= CENT:
            yield f"The account of {symbol} hands on another peak than it had."
    expected = stood.equity + net + ends.open_result - stood.open_result
    if not abs(last - expected) <= CENT:
        yield f"Account {symbol} ended with {last:.4f} USD and its trades say {expected:.4f}."
    paid = ends.costs - stood.costs
    if not abs(paid - (costs + ends.open_costs - stood.open_costs)) <= CENT:
        yield f"Account {symbol} paid other costs than its trades."
    if not abs(ends.costs - float(rows["costs_usd"][-1])) <= CENT:
        yield f"Account {symbol} hands on other costs than it paid."


def _by_symbol(accounts: pa.Table | None) -> dict[str, dict[str, Any]]:
    if accounts is None:
        return {}
    names = ("symbol", "cash_usd", "equity_usd", "peak_usd", "costs_usd", "result_usd", "side")
    rows = accounts.select([*names, *(f"{cost}_usd" for cost in _COSTS)]).to_pylist()
    return {row["symbol"]: row for row in rows}


def _booked(trades: pa.Table) -> dict[str, tuple[float, float]]:
    """Symbol -> net and costs of its closed trades."""
    found: dict[str, tuple[float, float]] = {}
    for row in trades.select(["symbol", "net_usd", *(f"{cost}_usd" for cost in _COSTS)]).to_pylist():
        net, costs = found.get(row["symbol"], (0.0, 0.0))
        paid = sum(row[f"{cost}_usd"] for cost in _COSTS)
        found[row["symbol"]] = net + row["net_usd"], costs + paid
    return found


def _left(trades: pa.Table) -> set[str]:
    """The symbols whose positions were closed because the universe no longer has them."""
    gone = trades.filter(pc.equal(trades["exit_reason"], LEFT_UNIVERSE))
    return set(gone["symbol"].to_pylist())
