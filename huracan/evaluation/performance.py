"""What a set of shadow trades made: one summary, and a table of it by symbol and regime.

Only closed trades and session bars go in. A day's trades are those that were closed on it, its result the
change of marked equity, open positions included. Whether a figure is good enough is decided in `promotion`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.evaluation.equity import (
    chained_equity,
    period_returns_bps,
    share_of_bars_in_position,
    worst_drawdown_usd,
)
from huracan.evaluation.sharpe import do_vary, measure_returns, sharpe_standard_error
from huracan.tables import FLOAT, INTEGER, TEXT, Column, arrow_schema
from huracan.verdict import Verdict

Floats = NDArray[np.float64]
MINUTES_PER_YEAR = 365 * 1440
SCOPES = ("all", "symbol", "regime")
_CENT = 0.005

PERFORMANCE_COLUMNS = (
    Column("scope", TEXT, "all, symbol or regime (that of the signal)"),
    Column("value", TEXT, "the symbol or regime; all of scope all"),
    Column("trades", INTEGER, "closed trades"),
    Column("win_rate", FLOAT, "share of trades with a net result above 0; null without a trade", "0 to 1"),
    Column("gross_usd", FLOAT, "result before all costs", "USD"),
    Column("cost_usd", FLOAT, "fee, spread, slippage and funding paid", "USD"),
    Column("net_usd", FLOAT, "gross less costs, of the closed trades", "USD"),
    Column("result_usd", FLOAT, "change of marked equity, open positions included; null of a regime", "USD"),
    Column("mean_net_bps", FLOAT, "mean of the trades' net_bps; null without a trade", "bps"),
    Column("profit_factor", FLOAT, "net of the winners over that of the losers; null without a loser"),
    Column(
        "cost_share",
        FLOAT,
        "costs over the gross profit of the trades that made one, may exceed 1; null without one",
        "fraction",
    ),
    Column("mean_bars_held", FLOAT, "mean holding time; null without a trade", "bars"),
    Column("traded_usd", FLOAT, "bought and sold: twice the entry notional", "USD"),
    Column(
        "maximum_drawdown_usd",
        FLOAT,
        "deepest fall from a peak, >= 0: of the equity with open positions; of a regime of its closed trades",
        "USD",
    ),
    Column("maximum_drawdown_pct", FLOAT, "the same, of the opening equity; null without bars", "%"),
    Column("exposure", FLOAT, "share of symbol-bars in a position; null of a regime", "0 to 1"),
    Column("turnover", FLOAT, "traded_usd over the opening equity; null without bars"),
    Column(
        "sharpe",
        FLOAT,
        "mean over deviation of hourly returns, or of longer bars, of a regime of its trades' net_bps; per "
        "return; null where returns do not vary",
    ),
    Column("sharpe_standard_error", FLOAT, "its standard error, skewness and kurtosis accounted for"),
    Column(
        "sharpe_annual", FLOAT, "sharpe times the root of the returns a year (365 days); null of a regime"
    ),
    Column("observations", INTEGER, "returns that sharpe is of: hours or longer bars, or trades of a regime"),
)
PERFORMANCE_SCHEMA = arrow_schema(PERFORMANCE_COLUMNS)
"""The figures of PerformanceSummary; null where one is not defined: no trades, no losses, no bars, returns
that do not vary."""


@dataclass(frozen=True)
class PerformanceSummary:
    """One row about one set of trades; None where a figure is not defined."""

    trades: int
    win_rate: float | None
    gross_usd: float
    cost_usd: float
    net_usd: float
    result_usd: float | None
    """Change of marked equity; needs bars."""
    mean_net_bps: float | None
    profit_factor: float | None
    """Net USD of the winners over that of the losers; None without a loser."""
    cost_share: float | None
    """Costs over the gross profit of the trades that made one: what part of the wins the costs ate."""
    mean_bars_held: float | None
    traded_usd: float
    """Notional bought and sold: twice the entry notional."""
    maximum_drawdown_usd: float
    maximum_drawdown_pct: float | None
    """Of the opening equity; needs bars."""
    exposure: float | None
    """Share of symbol-bars in a position; needs bars."""
    turnover: float | None
    """`traded_usd` over the opening equity; needs bars."""
    sharpe: float | None
    """Per period with bars, per trade without."""
    sharpe_standard_error: float | None
    sharpe_annual: float | None
    """`sharpe` times the root of the periods a year (365 days); needs bars."""
    observations: int

    def as_row(self) -> dict[str, float | int | None]:
        """The same as a plain mapping, for a table row or JSON."""
        return asdict(self)


def summarise_performance(
    trades: pa.Table, sessions: Sequence[pa.Table] = (), *, period_minutes: int = 60
) -> PerformanceSummary:
    """Summary of `trades` (TRADES_SCHEMA) and of the bars (SESSION_SCHEMA) of the sessions that made them.

    With sessions the drawdown and Sharpe ratio are the portfolio's, open positions marked to market; without
    them they come from the closed trades in the order of their exits. A bar longer than `period_minutes` is a
    period by itself.
    """
    sessions = [bars for bars in sessions if bars.num_rows]
    figures = _trade_figures(trades)
    drawdown, drawdown_pct, exposure, turnover = _closed_drawdown_usd(trades), None, None, None
    returns, result = _column(trades, "net_bps"), None
    if sessions:
        times, equity = chained_equity(sessions)
        if times.size > 1:
            period_minutes = max(period_minutes, int(np.diff(times).min()) // 60_000)
        opening = float(equity[0])
        result = float(equity[-1]) - opening
        drawdown = worst_drawdown_usd(equity)
        drawdown_pct = drawdown / opening * 100.0
        exposure = share_of_bars_in_position(sessions)
        turnover = float(figures["traded_usd"]) / opening
        returns = period_returns_bps(sessions, period_minutes)
    sharpe, error = _sharpe(returns)
    annual = None
    if sessions and sharpe is not None:
        annual = sharpe * float(np.sqrt(MINUTES_PER_YEAR / period_minutes))
    return PerformanceSummary(
        **figures,
        result_usd=result,
        maximum_drawdown_usd=drawdown,
        maximum_drawdown_pct=drawdown_pct,
        exposure=exposure,
        turnover=turnover,
        sharpe=sharpe,
        sharpe_standard_error=error,
        sharpe_annual=annual,
        observations=len(returns),
    )


def performance_table(trades: pa.Table, sessions: Sequence[pa.Table] = ()) -> pa.Table:
    """PERFORMANCE_SCHEMA: one row for all trades, then one per symbol and per entry regime, sorted.

    A symbol has bars of its own. A regime has none: its drawdown and Sharpe ratio are of its closed trades,
    its turnover is a share of the whole opening equity; so the regimes' turnovers sum to that of all trades.
    """
    rows = [{"scope": "all", "value": "all", **summarise_performance(trades, sessions).as_row()}]
    traded = {symbol for bars in sessions for symbol in pc.unique(bars["symbol"]).to_pylist()}
    for symbol in sorted({*traded, *_values(trades, "symbol")}):
        own = [_of(bars, "symbol", symbol) for bars in sessions]
        summary = summarise_performance(_of(trades, "symbol", symbol), own)
        rows.append({"scope": "symbol", "value": symbol, **summary.as_row()})
    for regime in _values(trades, "regime"):
        own_trades = _of(trades, "regime", regime)
        summary = _over_all_bars(summarise_performance(own_trades), sessions)
        rows.append({"scope": "regime", "value": regime, **summary.as_row()})
    return pa.Table.from_pylist(rows, schema=PERFORMANCE_SCHEMA)


def _over_all_bars(summary: PerformanceSummary, sessions: Sequence[pa.Table]) -> PerformanceSummary:
    """The summary of some of the trades, set against the opening equity of all."""
    held = [bars for bars in sessions if bars.num_rows]
    if not held:
        return summary
    opening = float(chained_equity(held)[1][0])
    return replace(
        summary,
        maximum_drawdown_pct=summary.maximum_drawdown_usd / opening * 100.0,
        turnover=summary.traded_usd / opening,
    )


def judge_performance(table: pa.Table, trades: pa.Table) -> Verdict:
    """Check "performance_sums", blocking: all, the symbols and the regimes each sum to the ledger, and the
    results of the symbols to that of all."""
    booked = float(_column(trades, "net_usd").sum())
    rows = table.to_pylist()
    numbers: dict[str, float | int | str | bool] = {"ledger_net_usd": booked, "ledger_trades": len(trades)}
    faults = []
    for scope in SCOPES:
        own = [row for row in rows if row["scope"] == scope]
        count, net_usd = sum(row["trades"] for row in own), sum(row["net_usd"] for row in own)
        numbers |= {f"{scope}_net_usd": net_usd, f"{scope}_trades": count}
        if count != len(trades) or abs(net_usd - booked) >= _CENT:
            faults.append(f"{scope} sums to {count} trades and {net_usd:.2f} USD")
    results = {
        scope: sum(row["result_usd"] or 0.0 for row in rows if row["scope"] == scope) for scope in SCOPES
    }
    numbers["result_usd"] = results["all"]
    if abs(results["all"] - results["symbol"]) >= _CENT:
        faults.append(f"the results of the symbols sum to {results['symbol']:.2f} USD")
    ledger = f"the ledger has {len(trades)} trades and {booked:.2f} USD"
    reason = f"{'; '.join(faults)}; {ledger}." if faults else f"All sums agree: {ledger}."
    return Verdict("performance_sums", not faults, reason, numbers)


def _values(table: pa.Table, column: str) -> list[str]:
    return sorted(pc.unique(table[column]).drop_null().to_pylist())


def _of(table: pa.Table, column: str, value: str) -> pa.Table:
    return table.filter(pc.equal(table[column], value))


def _trade_figures(trades: pa.Table) -> dict[str, Any]:
    net, gross = _column(trades, "net_usd"), _column(trades, "gross_usd")
    costs = sum(_column(trades, f"{cost}_usd") for cost in ("fee", "spread", "slippage", "funding"))
    count = trades.num_rows
    won, lost = float(net[net > 0].sum()), float(-net[net < 0].sum())
    gains = float(gross[gross > 0].sum())
    cost_usd = float(np.sum(costs))
    return {
        "trades": count,
        "win_rate": float((net > 0).mean()) if count else None,
        "gross_usd": float(gross.sum()),
        "cost_usd": cost_usd,
        "net_usd": float(net.sum()),
        "mean_net_bps": float(_column(trades, "net_bps").mean()) if count else None,
        "profit_factor": won / lost if lost > 0 else None,
        "cost_share": cost_usd / gains if gains > 0 else None,
        "mean_bars_held": float(_column(trades, "bars_held").mean()) if count else None,
        "traded_usd": 2.0 * float(_column(trades, "notional_usd").sum()),
    }


def _closed_drawdown_usd(trades: pa.Table) -> float:
    order = pc.sort_indices(trades, sort_keys=[("exit_time", "ascending"), ("trade_id", "ascending")])
    return worst_drawdown_usd(np.concatenate([[0.0], np.cumsum(_column(trades.take(order), "net_usd"))]))


def _sharpe(returns: Floats) -> tuple[float | None, float | None]:
    if len(returns) < 2 or not do_vary(returns):
        return None, None
    moments = measure_returns(returns)
    return moments.sharpe, sharpe_standard_error(moments)


def _column(trades: pa.Table, name: str) -> Floats:
    values: Floats = trades[name].to_numpy(zero_copy_only=False).astype(np.float64)
    return values
