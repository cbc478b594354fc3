"""The batched market: one step moves every lane from the close of bar t to the close of bar t + 1.

Training, the shadow ledger, the baselines and replay all step this class. Prices met are in `exits`, costs
in `fills`, money in `account`. Nothing here draws a random number or knows a policy.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from huracan.errors import InvalidInput
from huracan.market import account, exits
from huracan.market.actions import EXIT_INDEX, entry_multipliers, legal_actions
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions, Floats, slippage_bps
from huracan.market.fills import BPS, Fill, fill_orders
from huracan.market.observation import observation_names, observe_lanes
from huracan.market.rules import TradingRules

Lanes = NDArray[np.int64]


@dataclass(frozen=True)
class MarketStep:
    """What one step brought, arrays [lanes]."""

    rewards: Floats
    """Change of equity net of all costs / (notional_usd x volatility unit of the position). Because costs
    are booked where they are paid and the unit is fixed at the signal, the rewards of a trade sum to its
    ledger net_usd in those units."""
    rewards_usd: Floats
    has_ended: NDArray[np.bool_]
    """The lane's session is over; it stands still until it begins again."""


class TradeSink(Protocol):
    """Is told of every closing while the account still holds the position."""

    def trades_closed(
        self, lanes: Lanes, exit_bars: Lanes, codes: exits.Codes, reference: Floats, fill: Fill
    ) -> None: ...


class MarketEnvironment:
    """Lanes (symbol x bar) over one block. A lane's results do not depend on the other lanes."""

    def __init__(
        self,
        block: MarketBlock,
        rules: TradingRules,
        costs: CostAssumptions,
        lanes: int,
        sink: TradeSink | None = None,
    ) -> None:
        self.block, self.rules, self.lanes, self.sink = block, rules, lanes, sink
        self.symbol = np.zeros(lanes, np.int64)
        self.bar = np.zeros(lanes, np.int64)
        self.has_ended = np.ones(lanes, bool)
        self.pending_exit = np.full(lanes, exits.NONE_CODE, np.int8)
        self.accounts = account.new_accounts(lanes)
        self._multipliers = entry_multipliers(rules.size_multipliers)
        self._entry_notional = rules.notional_usd * np.array(rules.size_multipliers)
        self._every = np.arange(lanes)
        flat = np.ndarray.reshape
        self._open, self._high = flat(block.open, -1), flat(block.high, -1)
        self._low, self._close = flat(block.low, -1), flat(block.close, -1)
        self._volatility = flat(block.volatility_bps, -1)
        self._tradable = flat(block.is_tradable, -1)
        usable = block.is_ready & block.is_tradable & np.isfinite(block.volatility_bps)
        left = block.session_last - np.arange(block.bar_count)
        self._may_enter = flat(usable & (left >= rules.entry_margin_bars), -1)
        self.set_costs(costs)

    @property
    def observation_names(self) -> tuple[str, ...]:
        return observation_names(self.block.feature_names)

    def set_costs(self, costs: CostAssumptions) -> None:
        """Changes what fills from now on cost."""
        self.costs = costs
        one = np.ones(1)
        per_root_usd = slippage_bps(costs, one, self.block.volatility_bps, self.block.traded_value_usd)
        self._slippage_of_one_usd = per_root_usd.reshape(-1)
        round_trip = 2.0 * (
            costs.fee_bps + costs.spread_bps + self._slippage(slice(None), self.rules.notional_usd)
        )
        unit = self.rules.volatility_unit_bps(self._volatility)
        self._cost_in_volatility = np.nan_to_num(round_trip / unit)

    def begin(self, lanes: Lanes, symbols: Lanes, bars: Lanes) -> None:
        """Puts `lanes` at the close of `bars` of `symbols`, flat and with the starting cash."""
        if bars.size and (bars.min() < 0 or (bars >= self.block.session_last[bars]).any()):
            raise InvalidInput(
                "A lane was to begin at the last bar of a session.", "Give it at least one bar to trade."
            )
        self.symbol[lanes], self.bar[lanes] = symbols, bars
        self.has_ended[lanes] = False
        self.pending_exit[lanes] = exits.NONE_CODE
        account.restart(self.accounts, lanes, self.rules)

    def rows(self) -> Lanes:
        """[lanes] each lane's flat place (symbol x bar count + bar)."""
        return np.asarray(self.symbol * self.block.bar_count + self.bar, dtype=np.int64)

    def observe(self) -> NDArray[np.float32]:
        """Observations [lanes, names] at the close of each lane's bar."""
        cost = self._cost_in_volatility[self.rows()]
        return observe_lanes(self.block, self.symbol, self.bar, self.accounts, cost, self.rules)

    def masks(self) -> NDArray[np.bool_]:
        """Legal actions bool [lanes, actions]."""
        flat = self.accounts.quantity == 0
        able = flat & self._may_enter[self.rows()] & ~self.has_ended
        # Cash must pay the entry with all its costs: 5 % above the notional is more than any of them.
        affordable = self.accounts.cash_usd[:, None] >= 1.05 * self._entry_notional
        large_enough = self._entry_notional >= self.rules.minimum_notional_usd
        may_exit = ~flat & (self.pending_exit == exits.NONE_CODE)
        return legal_actions(able[:, None] & affordable & large_enough, may_exit)

    def equity_usd(self) -> Floats:
        """Cash and the position at the close [lanes]."""
        held = self.accounts.quantity * self._close[self.rows()]
        return np.asarray(
            self.accounts.cash_usd + np.where(self.accounts.quantity > 0, held, 0.0), dtype=np.float64
        )

    def advance(self, actions: Lanes) -> MarketStep:
        """Orders decided at the close of t meet bar t + 1. InvalidInput where a mask forbids an action."""
        if not self.masks()[self._every, actions].all():
            raise InvalidInput("An action was chosen that its lane's mask forbids.", "Apply the masks.")
        before = self.equity_usd()
        decided = self.rows()
        self.pending_exit[actions == EXIT_INDEX] = exits.POLICY_EXIT_CODE
        self.bar[~self.has_ended] += 1
        rows = self.rows()
        tradable = self._tradable[rows]
        held = np.flatnonzero((self.accounts.quantity > 0) & tradable)
        if held.size:
            self._leave_at_open(held, decided, rows)
        wanted = self._multipliers[actions]
        entering = np.flatnonzero((wanted > 0) & tradable)
        if entering.size:
            self._enter(entering, wanted[entering], decided, rows)
        inside = np.flatnonzero((self.accounts.quantity > 0) & tradable)
        if inside.size:
            self._meet_bar(inside, decided, rows)
        self._end_sessions(decided, rows)
        self._time_out()
        change = self.equity_usd() - before
        scale = self.rules.notional_usd * self.accounts.unit_bps * BPS
        return MarketStep(change / scale, change, self.has_ended.copy())

    def _slippage(self, rows: Lanes | slice, notional_usd: Floats | float) -> Floats:
        cap = self.costs.maximum_slippage_bps * self.costs.multiplier
        return np.minimum(self._slippage_of_one_usd[rows] * np.sqrt(notional_usd), cap)

    def _enter(self, lanes: Lanes, multiplier: Floats, decided: Lanes, rows: Lanes) -> None:
        notional = self.rules.notional_usd * multiplier
        reference = self._open[rows[lanes]]
        slip = self._slippage(decided[lanes], notional)
        quantity = notional / reference
        fill = fill_orders(quantity, reference, slip, self.costs, buys=True)
        estimate = 2.0 * (self.costs.fee_bps + self.costs.spread_bps + slip)
        volatility = self._volatility[decided[lanes]]
        account.open_positions(
            self.accounts, lanes, multiplier, quantity, reference, fill, volatility, estimate,
            self.bar[lanes], self.rules,
        )  # fmt: skip

    def _leave_at_open(self, held: Lanes, decided: Lanes, rows: Lanes) -> None:
        leaving = held[self.pending_exit[held] != exits.NONE_CODE]
        if leaving.size:
            price = self._open[rows[leaving]]
            account.meet_prices(self.accounts, leaving, price, price, self.bar[leaving])
            self._close_out(leaving, self.pending_exit[leaving], price, self.bar[leaving], decided)

    def _meet_bar(self, inside: Lanes, decided: Lanes, rows: Lanes) -> None:
        accounts, at = self.accounts, rows[inside]
        open_, high, low = self._open[at], self._high[at], self._low[at]
        code, price = exits.barrier_exits(open_, high, low, accounts.stop[inside], accounts.target[inside])
        # Of a bar that stops, only its open and the stop are sure to have been met; a target bar may have
        # met its low before.
        stopped, reached = code == exits.STOP_CODE, code == exits.TARGET_CODE
        seen_high = np.where(stopped, open_, np.where(reached, price, high))
        seen_low = np.where(stopped, price, low)
        account.meet_prices(accounts, inside, seen_high, seen_low, self.bar[inside])
        out = code != exits.NONE_CODE
        if out.any():
            lanes = inside[out]
            self._close_out(lanes, code[out], price[out], self.bar[lanes], decided)

    def _end_sessions(self, decided: Lanes, rows: Lanes) -> None:
        over = self.bar >= self.block.session_last[self.bar]
        lanes = np.flatnonzero(over & (self.accounts.quantity > 0))
        if lanes.size:
            code = np.full(lanes.size, exits.END_OF_SESSION_CODE, np.int8)
            last_traded = self._last_tradable_bar(lanes)
            self._close_out(lanes, code, self._close[rows[lanes]], last_traded, decided)
        self.has_ended |= over

    def _last_tradable_bar(self, lanes: Lanes) -> Lanes:
        bars = self.bar[lanes].copy()
        while (closed := ~self._tradable[self.symbol[lanes] * self.block.bar_count + bars]).any():
            bars[closed] -= 1
        return bars

    def _time_out(self) -> None:
        held = self.accounts.quantity > 0
        age = self.bar - self.accounts.entry_bar + 1
        due = held & (age >= self.rules.maximum_holding_bars) & (self.pending_exit == exits.NONE_CODE)
        self.pending_exit[due] = exits.TIME_OUT_CODE

    def _close_out(
        self, lanes: Lanes, codes: exits.Codes, reference: Floats, bars: Lanes, decided: Lanes
    ) -> None:
        notional = self.accounts.quantity[lanes] * reference
        slip = self._slippage(decided[lanes], notional)
        fill = fill_orders(self.accounts.quantity[lanes], reference, slip, self.costs, buys=False)
        if self.sink is not None:
            self.sink.trades_closed(lanes, bars, codes, reference, fill)
        account.close_positions(self.accounts, lanes, fill)
        self.pending_exit[lanes] = exits.NONE_CODE
