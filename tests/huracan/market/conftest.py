"""Small hand-made markets, and ways to trade them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from huracan.market.actions import HOLD_INDEX, WAIT_INDEX
from huracan.market.block import MarketBlock, carry_last
from huracan.market.costs import CostAssumptions
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.reward import RewardTerms
from huracan.market.rules import TradingRules

MS_PER_DAY, MS_PER_MINUTE = 86_400_000, 60_000
FIRST_DAY_MS = 20_000 * MS_PER_DAY

BlockMaker = Callable[..., MarketBlock]


@pytest.fixture(scope="session")
def make_block() -> BlockMaker:
    """Builds a block of one symbol-row per row of one-minute `close`; every day has `day_bars` bars.

    Opens default to the close before; highs and lows to the larger and smaller of the two.
    """

    def make(
        close: object,
        *,
        open_: object = None,
        high: object = None,
        low: object = None,
        tradable: object = None,
        volatility_bps: float = 10.0,
        traded_value_usd: float = 1e6,
        day_bars: int | None = None,
        decision_bars: int = 1,
        features: np.ndarray | None = None,
        funding_rate: object = None,
        tick_size: object = 0.0,
        step_size: object = 0.0,
        minimum_notional_usd: object = 0.0,
        **more: object,
    ) -> MarketBlock:
        closes = np.atleast_2d(np.asarray(close, dtype=float))
        symbols, bars = closes.shape
        opens = np.concatenate([closes[:, :1], closes[:, :-1]], axis=1)
        if open_ is not None:
            opens = np.atleast_2d(np.asarray(open_, dtype=float))
        highs = np.maximum(opens, closes) if high is None else np.atleast_2d(np.asarray(high, float))
        lows = np.minimum(opens, closes) if low is None else np.atleast_2d(np.asarray(low, float))
        able = np.ones((symbols, bars), bool)
        if tradable is not None:
            able = np.atleast_2d(np.asarray(tradable, bool))
        carried = carry_last(np.where(able, closes, np.nan))
        length = day_bars or bars
        bar = np.arange(bars)
        # A day of `length` one-minute bars: what trades asks for times in bars, and costs for days.
        times = FIRST_DAY_MS + bar * MS_PER_MINUTE
        rows = bars // decision_bars
        seen = np.zeros((symbols, rows, 2), np.float32) if features is None else features.astype(np.float32)

        def of_market(value: object) -> np.ndarray:
            given = np.asarray(value, dtype=float)
            return given if given.ndim else np.full(symbols, given)

        return MarketBlock(
            symbols=tuple(f"S{index}" for index in range(symbols)),
            feature_names=tuple(f"f{index}" for index in range(seen.shape[2])),
            open_time_ms=times,
            features=seen,
            open=np.where(able, opens, carried),
            high=np.where(able, highs, carried),
            low=np.where(able, lows, carried),
            close=carried,
            is_tradable=able,
            is_ready=np.ones((symbols, rows), bool),
            volatility_bps=np.full((symbols, bars), volatility_bps),
            traded_value_usd=np.full((symbols, bars), traded_value_usd),
            regime=np.zeros((symbols, rows), np.int8),
            regime_probabilities=np.tile(np.array([1, 0, 0, 0], np.float32), (symbols, rows, 1)),
            day_index=FIRST_DAY_MS // MS_PER_DAY + bar // length,
            decision_bars=decision_bars,
            funding_rate=np.zeros((symbols, bars)) if funding_rate is None else np.atleast_2d(funding_rate),
            tick_size=of_market(tick_size),
            step_size=of_market(step_size),
            minimum_notional_usd=of_market(minimum_notional_usd),
            **more,
        )

    return make


SEEN = ("features", "is_ready", "regime", "regime_probabilities", "pattern_context")


@pytest.fixture(scope="session")
def decided_every() -> Callable[[MarketBlock, int], MarketBlock]:
    """The same bars, decided on at every n-th close alone, where the same is seen."""

    def of(block: MarketBlock, bars: int) -> MarketBlock:
        seen = {name: getattr(block, name)[:, bars - 1 :: bars] for name in SEEN}
        return replace(block, decision_bars=bars, **seen)

    return of


def day_ends(block: MarketBlock, bars: np.ndarray) -> np.ndarray:
    """The last bars of the days that `bars` are of."""
    return np.append(block.day_first[1:], block.bar_count)[block.day_of_bar[bars]] - 1


@pytest.fixture(scope="session")
def random_market(make_block: BlockMaker) -> Callable[..., MarketBlock]:
    """A random walk with wicks, untraded bars and funding, drawn from a seed."""

    def make(seed: int, symbols: int = 2, bars: int = 160, day_bars: int = 80, **more: float) -> MarketBlock:
        generator = np.random.default_rng(seed)
        steps = generator.standard_normal((symbols, bars)) * 25e-4
        close = 100.0 * np.exp(np.cumsum(steps, axis=1))
        open_ = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
        open_ = open_ * (1 + generator.standard_normal((symbols, bars)) * 5e-4)
        wick = np.abs(generator.standard_normal((2, symbols, bars))) * 15e-4
        tradable = generator.random((symbols, bars)) > 0.1
        tradable[:, 0] = True
        features = generator.standard_normal((symbols, bars, 3))
        return make_block(
            close,
            open_=open_,
            high=np.maximum(open_, close) * (1 + wick[0]),
            low=np.minimum(open_, close) * (1 - wick[1]),
            tradable=tradable,
            day_bars=day_bars,
            features=features,
            funding_rate=np.where(np.arange(bars) % 20 == 7, generator.standard_normal(bars) * 5e-4, 0.0)
            * np.ones((symbols, 1)),
            **more,
        )

    return make


@dataclass
class Played:
    """What one lane, or several, did from their first bars to the ends of their days."""

    environment: MarketEnvironment
    fills: np.ndarray
    closed: np.ndarray
    actions: np.ndarray
    """[steps, lanes]"""
    rewards: np.ndarray
    rewards_usd: np.ndarray
    equity: np.ndarray
    """[steps + 1, lanes]"""
    cash: np.ndarray
    masks: np.ndarray
    """[steps, lanes, actions]"""
    observations: np.ndarray
    """[steps, lanes, names]"""
    begun: np.ndarray
    """LANE [lanes] as they began"""

    def only(self) -> np.void:
        """The one closed position."""
        (closed,) = self.closed
        return closed


Chooser = Callable[[int, MarketEnvironment, np.ndarray], np.ndarray]


@pytest.fixture(scope="session")
def play_lanes() -> Callable[..., Played]:
    """Plays lanes to the ends of their days, where they are closed; `choose(step, environment, masks)` gives
    the actions."""

    def play(
        block: MarketBlock,
        choose: Chooser,
        rules: TradingRules,
        costs: CostAssumptions,
        symbols: object = (0,),
        bars: object = (0,),
        reward: RewardTerms | None = None,
    ) -> Played:
        symbols, bars = np.asarray(symbols), np.asarray(bars)
        environment = MarketEnvironment(block, rules, costs, symbols.size, reward, records=True)
        ends = day_ends(block, bars)
        environment.begin(np.arange(symbols.size), symbols, bars, ends=ends, closes_at_end=True)
        begun = environment.state.copy()
        seen: list[list[np.ndarray]] = []
        left = [(environment.equity_usd(), environment.state["cash_usd"].copy())]
        while not environment.has_ended.all():
            masks, observations = environment.masks(), environment.observe()
            actions = choose(len(seen), environment, masks)
            step = environment.advance(actions)
            seen.append([actions, step.rewards, step.rewards_usd, masks, observations])
            left.append((environment.equity_usd(), environment.state["cash_usd"].copy()))
        actions, rewards, rewards_usd, masks, observations = (
            np.stack(part) for part in zip(*seen, strict=True)
        )
        equity, cash = (np.stack(part) for part in zip(*left, strict=True))
        return Played(
            environment, environment.fills(), environment.closed(), actions, rewards, rewards_usd, equity,
            cash, masks, observations, begun,
        )  # fmt: skip

    return play


@pytest.fixture(scope="session")
def play(play_lanes: Callable[..., Played]) -> Callable[..., Played]:
    """Plays one lane of symbol 0 from bar 0: the actions given by bar, and nothing else."""

    def of(
        block: MarketBlock,
        actions: dict[int, int],
        rules: TradingRules,
        costs: CostAssumptions,
        reward: RewardTerms | None = None,
    ) -> Played:
        def choose(step: int, environment: MarketEnvironment, masks: np.ndarray) -> np.ndarray:
            idle = WAIT_INDEX if masks[0, WAIT_INDEX] else HOLD_INDEX
            return np.array([actions.get(step, idle)])

        return play_lanes(block, choose, rules, costs, reward=reward)

    return of


@pytest.fixture(scope="session")
def play_randomly(play_lanes: Callable[..., Played]) -> Callable[..., Played]:
    """Plays every symbol and day with legal actions drawn from a seed, each lane from a stream of its own."""

    def of(
        block: MarketBlock,
        seed: int,
        rules: TradingRules,
        costs: CostAssumptions,
        lanes: object = None,
        reward: RewardTerms | None = None,
    ) -> Played:
        days = block.day_first
        symbols, bars = np.repeat(np.arange(block.symbol_count), days.size), np.tile(days, block.symbol_count)
        length, width = int(day_ends(block, days[:1])[0]) + 1, 13 if rules.allow_short else 10
        drawn = np.random.default_rng([seed, 1]).random((length, symbols.size, width))
        # To do nothing is the likeliest: positions must have time to meet their stops.
        drawn[:, :, WAIT_INDEX] **= 0.3
        drawn[:, :, HOLD_INDEX] **= 0.1
        chosen = np.arange(symbols.size) if lanes is None else np.asarray(lanes)

        def choose(step: int, environment: MarketEnvironment, masks: np.ndarray) -> np.ndarray:
            return np.where(masks, drawn[step, chosen], -1.0).argmax(axis=1)

        return play_lanes(block, choose, rules, costs, symbols[chosen], bars[chosen], reward)

    return of
