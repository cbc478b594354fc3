"""What a day on paper came to for a procedure: the result that is bet on, and what the criteria look at.

Only what the day's tables say goes in; what is made of many days is in `evidence` and `criteria`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.evaluation.equity import portfolio_equity, worst_drawdown_usd
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules
from huracan.units import BASIS_POINT

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DayBook:
    """The tables of a day of `gated_trades`, and of the day before the accounts alone."""

    trades: pa.Table
    """TRADES_SCHEMA: closed on the day."""
    fills: pa.Table
    """FILLS_SCHEMA: of those trades, also of days before."""
    session: pa.Table
    """SESSION_SCHEMA"""
    accounts: pa.Table
    """OPEN_POSITIONS_SCHEMA at the day's end."""
    accounts_before: pa.Table
    """The same of the day before; no rows where the accounts began with the day."""


@dataclass(frozen=True, kw_only=True)
class DayResult:
    """One day of one procedure. USD are of all accounts together."""

    day: date
    result_usd: float
    """Change of what everything closed would leave."""
    rival_usd: float
    """What random rivals make of the day on average, after the same costs."""
    unit_usd: float
    """Of the result, fixed before the day."""
    rival_unit_usd: float
    """Of the result less that of the rivals."""
    opening_usd: float
    """Equity with which the day began."""
    costs_usd: float
    """Paid on the day, and set aside or freed for closing what is open."""
    trades: int = 0
    low_usd: float = 0.0
    """Lowest equity against the opening, <= 0."""
    high_usd: float = 0.0
    """Highest, >= 0."""
    fall_usd: float = 0.0
    """Deepest fall from a peak of the day, >= 0."""
    regimes: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    """By regime of the signal: trades that closed, and their net in USD."""
    forecasts: int = 0
    """Trades of whose win the ensemble had said a probability."""
    forecast_wins: float = 0.0
    """Sum of those probabilities."""
    wins: int = 0
    """How many of those trades ended above 0."""
    fees_usd: float = 0.0
    """Exchange fees of the trades that closed."""
    traded_usd: float = 0.0
    """Value of their fills."""
    alone_usd: float | None = None
    """What the policy by itself made on the day, without any gate; None where that is not known."""
    models: tuple[str, ...] = ()
    """Checkpoints that decided."""
    is_simulated: bool = False
    is_refit: bool = False
    """The weights in force were refitted on all days after they had been judged."""
    is_remade: bool = False
    """It was made, or made again, after its night was finished."""

    @property
    def rival_result_usd(self) -> float:
        """The result less that of the rivals."""
        return self.result_usd - self.rival_usd

    def plain(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self) | {"day": self.day.isoformat(), "models": list(self.models)}

    @staticmethod
    def read(plain: Mapping[str, Any]) -> "DayResult":
        """The inverse of `plain`, to the bit."""
        regimes = {name: (int(count), float(net)) for name, (count, net) in plain["regimes"].items()}
        known = {name: plain[name] for name in DayResult.__dataclass_fields__ if name in plain}
        return DayResult(
            **known
            | {
                "day": date.fromisoformat(plain["day"]),
                "regimes": regimes,
                "models": tuple(plain["models"]),
            }
        )


def result_and_costs_usd(book: DayBook, rules: TradingRules, costs: CostAssumptions) -> tuple[float, float]:
    """The day's result, and what of it were costs: those paid, and the change of what is set aside for
    closing what is open. Result plus costs is what was made before costs."""
    made_usd = float(pc.sum(book.session["result_usd"]).as_py() or 0.0)
    set_aside = closing_cost_usd(book.accounts, rules, costs) - closing_cost_usd(
        book.accounts_before, rules, costs
    )
    return made_usd - set_aside, _paid_usd(book) + set_aside


def closing_cost_usd(accounts: pa.Table, rules: TradingRules, costs: CostAssumptions) -> float:
    """The least that closing everything open would cost at the last known prices: the fee of an order that
    rests where targets may, else fee and half-spread of one that crosses. Nobody can leave for less, so what
    is set aside is never more than what is paid in the end."""
    value_usd = np.abs(_column(accounts, "position_value_usd"))
    if rules.targets_are_maker:
        # A maker's fee is the exchange's own and may be a rebate; nothing is earned by being closed.
        side_bps = np.full(value_usd.size, max(costs.maker_fee_bps or 0.0, 0.0) * costs.multiplier)
    else:
        side_bps = side_cost_bps(accounts, costs)
    return float((value_usd * side_bps).sum()) * BASIS_POINT


def planned_loss_usd(
    accounts_before: pa.Table, symbols: int, rules: TradingRules, costs: CostAssumptions
) -> float:
    """What is lost where every symbol's largest permitted exposure meets its stop, both sides of costs paid.

    The stop stands at the volatility of the last bar before the day; of an account that begins with it at the
    least distance, its cash is what it begins with, and costs are those that are stated for all markets.
    """
    largest = rules.notional_usd * (max(rules.size_multipliers) + rules.maximum_adds * rules.add_multiplier)
    equity = np.maximum(_column(accounts_before, "equity_usd"), 0.0)
    volatility = np.fmax(_column(accounts_before, "mark_volatility_bps"), rules.minimum_volatility_bps)
    minutes = _column(accounts_before, "bar_minutes")
    horizon = np.array([rules.horizon_factor(each) for each in minutes.tolist()])
    stop_bps = np.maximum(rules.stop_volatilities * volatility * horizon, rules.stop_floor_bps)
    away_bps = stop_bps + 2.0 * side_cost_bps(accounts_before, costs)
    exposure = np.minimum(largest, equity * rules.maximum_leverage)
    new = max(symbols - accounts_before.num_rows, 0)
    unknown = pa.table({"mark_taker_fee_bps": [0.0], "mark_half_spread_bps": [0.0]})
    unknown_bps = rules.stop_floor_bps + 2.0 * float(side_cost_bps(unknown, costs)[0])
    beginning = min(largest, rules.starting_cash_usd * rules.maximum_leverage) * unknown_bps
    return float((exposure * away_bps).sum() + new * beginning) * BASIS_POINT


def path_of(session: pa.Table) -> tuple[float, float, float, float]:
    """Equity at the opening; lowest and highest against it; deepest fall of the day. USD."""
    equity = portfolio_equity(session)[1]
    moved = equity - equity[0]
    return (
        float(equity[0]),
        float(moved.min()),
        float(moved.max()),
        worst_drawdown_usd(equity),
    )


def regimes_of(trades: pa.Table) -> dict[str, tuple[int, float]]:
    """By regime of the signal, sorted: trades and their net in USD."""
    grouped = trades.group_by("regime").aggregate([("net_usd", "count"), ("net_usd", "sum")])
    rows = sorted(grouped.to_pylist(), key=lambda row: str(row["regime"]))
    return {str(row["regime"]): (row["net_usd_count"], row["net_usd_sum"]) for row in rows}


def forecasts_of(trades: pa.Table, signals: pa.Table) -> tuple[int, float, int]:
    """Trades of which `signals` (of the ensemble: `trade_id` and `probability` of all members together) said
    something, the sum of what it said, and their wins."""
    said = dict(zip(signals["trade_id"].to_pylist(), signals["probability"].to_pylist(), strict=True))
    nets = zip(trades["trade_id"].to_pylist(), trades["net_usd"].to_pylist(), strict=True)
    known = [(said[trade], net > 0.0) for trade, net in nets if said.get(trade) is not None]
    return len(known), float(sum(each for each, _ in known)), sum(won for _, won in known)


def fees_of(fills: pa.Table) -> tuple[float, float]:
    """Exchange fees and the value that was filled, USD."""
    value = _column(fills, "quantity") * _column(fills, "reference_price")
    return float(_column(fills, "fee_usd").sum()), float(value.sum())


def side_cost_bps(accounts: pa.Table, costs: CostAssumptions) -> Floats:
    """[accounts] fee and half-spread of an order that crosses, as the market charges them: what is paid is
    multiplied, a rebate is never made larger. Nothing is earned by crossing."""
    fee = np.nan_to_num(_column(accounts, "mark_taker_fee_bps"))
    spread = np.nan_to_num(_column(accounts, "mark_half_spread_bps"))
    fee = fee if costs.taker_fee_bps is None else np.full(fee.size, costs.taker_fee_bps)
    spread = spread if costs.half_spread_bps is None else np.full(spread.size, costs.half_spread_bps)
    fee = fee * np.where(fee > 0.0, costs.multiplier, min(costs.multiplier, 1.0))
    spread = np.maximum(spread, costs.half_spread_floor_bps) * costs.multiplier
    sides: Floats = np.maximum(fee + spread, 0.0)
    return sides


def _paid_usd(book: DayBook) -> float:
    """Costs on the day: what the accounts' sums grew by."""
    known = (book.accounts_before[name].to_pylist() for name in ("symbol", "costs_usd"))
    before = dict(zip(*known, strict=True))
    order = pc.sort_indices(book.session, [("symbol", "ascending"), ("open_time", "ascending")])
    bars = book.session.take(order)
    last = dict(zip(bars["symbol"].to_pylist(), bars["costs_usd"].to_pylist(), strict=True))
    return float(sum(costs - before.get(symbol, 0.0) for symbol, costs in last.items()))


def _column(table: pa.Table, name: str) -> Floats:
    values: Floats = pc.fill_null(pc.cast(table[name], pa.float64()), np.nan).to_numpy(zero_copy_only=False)
    return values
