"""The exploration book: apart, seeded, within its budget in expectation, as over midnight so without."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.errors import InvalidInput
from huracan.market.actions import action_names
from huracan.market.block import MarketBlock
from huracan.market.engine.held_entries import hold_entries, net_bps
from huracan.market.paper.carrying import Carried
from huracan.market.paper.exploring.book import Exploration, Explorer, explore_day
from huracan.market.paper.exploring.rates import (
    MOST_BESIDE,
    MOST_OF_A_MOMENT,
    ExplorationConfig,
    Moments,
    PastMoments,
    rates,
    usual_probability,
)
from huracan.market.paper.session import trade_session
from huracan.market.paper.watch import Watch
from tests.huracan.market.paper_days import COSTS, MADE_BY, RULES, ByFeatures, coarser

Market = Callable[..., MarketBlock]
MANY = ExplorationConfig(entries_per_day=360.0)
"""A quarter of the minutes of a day."""
WATCHES = [Watch(ByFeatures(), "model")]


def _explored(
    block: MarketBlock, explorer: Explorer | None = None, watches: list[Watch] | None = None
) -> Exploration:
    asked = WATCHES if watches is None else watches
    return explore_day(block, asked, RULES, COSTS, MADE_BY, explorer or Explorer(MANY))


def _days(block: MarketBlock) -> list[Exploration]:
    found: list[Exploration] = []
    ends = np.append(block.day_first[1:], block.bar_count) - 1
    for number, (first, last) in enumerate(zip(block.day_first, ends, strict=True)):
        day = block.slice(int(first) - (block.decision_bars if number else 0), int(last))
        explorer = (
            replace(Explorer(MANY), carried=Carried(found[-1].open_positions)) if found else Explorer(MANY)
        )
        found.append(_explored(day, explorer))
    return found


@pytest.mark.parametrize("decision_bars", [1, 4])
@given(seed=st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_positions_over_midnight_make_what_they_make_in_one_block(
    random_market: Market, decision_bars: int, seed: int
) -> None:
    block = coarser(random_market(seed, bars=320, day_bars=80, tick_size=0.01), decision_bars)
    whole, days = _explored(block), _days(block)
    keys = [("trade_id", "ascending")]
    trades = pa.concat_tables([day.trades for day in days])
    assert trades.sort_by(keys).equals(whole.trades.sort_by(keys))
    assert days[-1].open_positions.sort_by(keys).equals(whole.open_positions.sort_by(keys))
    assert (
        pa.concat_tables([day.moments for day in days])
        .sort_by([("symbol", "ascending"), ("signal_time", "ascending")])
        .drop_columns("trade_id")
        .equals(whole.moments.drop_columns("trade_id"))
    )


def test_a_position_is_what_the_market_makes_of_the_entry_held_by_itself(random_market: Market) -> None:
    block = random_market(3, bars=400, day_bars=400)
    book = _explored(block)
    names, bars = action_names(RULES.allow_short), block.bar_count
    assert book.trades.num_rows > 20
    for row in book.trades.to_pylist():
        at = (round(row["signal_time"].timestamp() * 1000) - block.open_time_ms[0]) // block.bar_ms - 1
        index = block.symbols.index(row["symbol"]) * bars + at
        entry = np.array([names.index(row["action"])])
        (alone,) = hold_entries(block, RULES, COSTS, np.array([index]), entry, np.array([10_000]))
        assert row["net_bps"] == net_bps(alone[None])[0]
        assert row["net_usd"] == alone["net_usd"]


def test_every_drawn_entry_is_closed_or_open_or_was_not_filled_and_none_is_of_the_policys_ledger(
    random_market: Market,
) -> None:
    block = random_market(5, bars=400, day_bars=400)
    book, session = _explored(block), trade_session(block, ByFeatures(), RULES, COSTS, MADE_BY)
    drawn = book.moments.filter(book.moments["action"].is_valid())
    known = [*book.trades["trade_id"].to_pylist(), *book.open_positions["trade_id"].to_pylist()]
    assert sorted(known) == sorted(drawn["trade_id"].drop_null().to_pylist())
    assert drawn.num_rows == book.drawn == len(known) + book.lapsed
    assert book.open_positions.num_rows > 0
    assert session.trades.num_rows > 0, "the policy trades too"


def test_later_bars_and_other_symbols_change_no_earlier_draw(random_market: Market) -> None:
    block = random_market(11, symbols=3, bars=300, day_bars=300)
    whole = _explored(block).moments
    until = pc.field("signal_time") < pa.scalar(int(block.time_of(np.array(200))), pa.timestamp("ms", "UTC"))
    known = [name for name in whole.column_names if name != "trade_id"]
    cut = _explored(block.slice(0, 200)).moments
    assert cut.filter(until).select(known).equals(whole.filter(until).select(known))
    assert cut.num_rows > 100
    alone = {name: getattr(block, name)[1:2] for name in _BY_SYMBOL}
    second = replace(block, symbols=block.symbols[1:2], **alone)
    own = whole.filter(pc.field("symbol") == block.symbols[1])
    assert _explored(second).moments.select(known).equals(own.select(known))


_BY_SYMBOL = (
    "open", "high", "low", "close", "is_tradable", "is_ready", "volatility_bps", "slippage_volatility_bps",
    "traded_value_usd", "value_usd", "funding_rate", "features", "regime", "regime_probabilities",
    "pattern_context", "taker_fee_bps", "maker_fee_bps", "half_spread_bps", "tick_size", "step_size",
    "minimum_notional_usd", "borrow_pct_per_year", "may_short", "is_perpetual",
)  # fmt: skip


def _one_day(random_market: Market, number: int) -> MarketBlock:
    """Days have numbers of their own, whatever the market."""
    block = random_market(number, bars=1440, day_bars=1440)
    return replace(block, open_time_ms=block.open_time_ms + number * 86_400_000)


def test_as_many_entries_are_drawn_as_their_propensities_say(random_market: Market) -> None:
    expected = drawn = variance = 0.0
    for seed in range(12):
        moments = _explored(_one_day(random_market, seed)).moments
        propensity = moments["moment_propensity"].to_numpy()
        expected += propensity.sum()
        variance += (propensity * (1 - propensity)).sum()
        drawn += moments.num_rows - moments["action"].null_count
    assert abs(drawn - expected) < 4 * np.sqrt(variance)


def test_the_entries_are_spread_over_actions_as_their_densities_say(random_market: Market) -> None:
    counts: dict[str, int] = {}
    for seed in range(12):
        book = _explored(_one_day(random_market, seed), watches=[Watch(None, None)])
        drawn = book.moments.filter(book.moments["action"].is_valid())
        legal = np.round(drawn["moment_propensity"].to_numpy() / drawn["propensity"].to_numpy())
        for action, others in zip(drawn["action"].to_pylist(), legal.tolist(), strict=True):
            counts[action] = counts.get(action, 0) + 1
            assert others in (3.0, 6.0)
    total = sum(counts.values())
    assert len(counts) == 6
    for count in counts.values():
        assert abs(count - total / 6) < 4.5 * np.sqrt(total / 6)


def test_where_nobody_decides_all_of_the_budget_goes_anywhere(random_market: Market) -> None:
    book = _explored(random_market(2, bars=1440, day_bars=1440), watches=[Watch(None, None)])
    assert book.moments["entry_probability"].null_count == book.moments.num_rows
    assert book.trades["policy_density"].null_count == book.trades.num_rows
    assert set(book.trades["model_id"].to_pylist()) == {""}
    assert not pc.any(book.trades["is_policy_entry"]).as_py()
    np.testing.assert_allclose(book.moments["moment_propensity"].to_numpy(), 0.25)


def test_a_book_without_a_budget_enters_nothing_and_holds_what_it_has(random_market: Market) -> None:
    block = random_market(5, bars=160, day_bars=80)
    first = _explored(block.slice(0, 79))
    assert first.open_positions.num_rows > 0
    nothing = Explorer(ExplorationConfig(entries_per_day=0.0), None, Carried(first.open_positions))
    second = _explored(block.slice(79, 159), nothing)
    assert second.drawn == 0
    assert set(second.trades["trade_id"].to_pylist()) == set(first.open_positions["trade_id"].to_pylist())


def test_positions_of_a_symbol_that_is_gone_are_closed_at_the_last_known_price(random_market: Market) -> None:
    block = random_market(5, bars=160, day_bars=80)
    first = _explored(block.slice(0, 79))
    gone = Carried(first.open_positions, frozenset(block.symbols[:1]))
    second = _explored(block.slice(79, 159), Explorer(MANY, None, gone))
    left = second.trades.filter(pc.field("exit_reason") == "DELISTED")
    own = first.open_positions.filter(pc.field("symbol") == block.symbols[0])
    assert sorted(left["trade_id"].to_pylist()) == sorted(own["trade_id"].to_pylist())
    assert left.num_rows > 0
    assert left["propensity"].null_count == 0


def _moments(count: int, **values: object) -> Moments:
    usual = {
        "symbol": np.zeros(count, np.int64),
        "hour": np.zeros(count, np.int64),
        "regime": np.zeros(count, np.int64),
        "volatility_bps": np.ones(count),
        "entry_probability": np.full(count, 0.5),
    }
    return Moments(**{name: np.asarray(values.get(name, value)) for name, value in usual.items()})  # type: ignore[arg-type]


def test_without_a_past_half_of_the_budget_goes_anywhere_and_half_to_the_policy() -> None:
    nothing = PastMoments.of(None, ("A",), 24)
    anywhere, policy = rates(_moments(2), nothing, ExplorationConfig(), 24)
    # 24 hourly bars: the budget is a quarter of them, 6.
    np.testing.assert_allclose(anywhere, 6 / 24 / 2)
    np.testing.assert_allclose(policy, 6 / 24 / 2)


def test_a_moment_at_which_the_policy_would_enter_twice_as_surely_is_entered_twice_as_often_by_its_half() -> (
    None
):
    past = replace(PastMoments.of(None, ("A",), 1440), entry_probability=np.array([0.25]))
    _, policy = rates(_moments(3, entry_probability=[0.25, 0.5, 0.0]), past, ExplorationConfig(), 1440)
    np.testing.assert_allclose(policy, [24 / 1440 / 2, 24 / 1440, 0.0])


def test_a_policy_that_is_suddenly_sure_takes_nothing_from_the_other_half() -> None:
    past = replace(PastMoments.of(None, ("A",), 24), entry_probability=np.array([1e-6]))
    anywhere, policy = rates(_moments(1, entry_probability=[0.9]), past, ExplorationConfig(), 24)
    assert anywhere[0] == pytest.approx(6 / 24 / 2)
    assert policy[0] == pytest.approx(MOST_OF_A_MOMENT - 6 / 24 / 2)
    _, rarer = rates(_moments(1, entry_probability=[0.9]), past, ExplorationConfig(entries_per_day=1.0), 24)
    assert rarer[0] == pytest.approx(MOST_BESIDE * 1 / 24 / 2)


@pytest.mark.parametrize("known", [1.0, 12.0, 1440.0])
def test_a_past_of_few_moments_or_of_other_bars_does_not_multiply_the_budget(known: float) -> None:
    past = replace(PastMoments.of(None, ("A",), 288), moments_per_day=np.array([known]))
    anywhere, policy = rates(_moments(288), past, ExplorationConfig(), 288)
    assert (anywhere + policy).sum() + 1e-9 >= 24.0 and (anywhere + policy).sum() <= 48.0 + 1e-9


@given(st.lists(st.floats(1e-6, 1.0), min_size=4, max_size=200))
def test_the_usual_probability_spends_the_budget_whatever_the_past_was(known: list[float]) -> None:
    usual = usual_probability(np.array(known))
    assert np.minimum(np.array(known) / usual, MOST_BESIDE).mean() == pytest.approx(1.0, rel=1e-6)


def _past_table(generator: np.random.Generator, days: int) -> pa.Table:
    count = 1440 * days
    regimes = np.array(["trend", "range", "high_volatility", "panic"], dtype=object)
    return pa.table(
        {
            "symbol": ["A"] * count,
            "signal_time": pa.array(np.arange(count) * 60_000).cast(pa.timestamp("ms", "UTC")),
            "regime": regimes[generator.choice(4, count, p=[0.3, 0.6, 0.09, 0.01])],
            "entry_volatility_bps": np.exp(generator.standard_normal(count)),
            "hour": np.arange(count) // 60 % 24,
            "entry_probability": generator.random(count) ** 4,
        }
    )


def test_over_the_moments_of_the_past_the_rates_sum_to_the_budget_and_rare_strata_get_more() -> None:
    table = _past_table(np.random.default_rng(1), 5)
    past = PastMoments.of(table, ("A",), 1440)
    names = ["trend", "range", "high_volatility", "panic"]
    moments = Moments(
        symbol=np.zeros(table.num_rows, np.int64),
        hour=table["hour"].to_numpy(),
        regime=np.array([names.index(each) for each in table["regime"].to_pylist()]),
        volatility_bps=table["entry_volatility_bps"].to_numpy(),
        entry_probability=table["entry_probability"].to_numpy(),
    )
    anywhere, policy = rates(moments, past, ExplorationConfig(), 1440)
    assert anywhere.sum() / 5 == pytest.approx(12.0)
    assert policy.sum() / 5 == pytest.approx(12.0, rel=1e-6)
    panic, usual = anywhere[moments.regime == 3].mean(), anywhere[moments.regime == 1].mean()
    assert 2.0 < panic / usual <= 4.0
    assert np.bincount(past.volatility_rank(moments)).tolist() == [2400, 2400, 2400]


def test_a_symbol_without_a_past_is_taken_to_be_as_the_others() -> None:
    past = PastMoments.of(_past_table(np.random.default_rng(1), 5), ("A", "B"), 1440)
    for values in vars(past).values():
        np.testing.assert_array_equal(values[0], values[1])


@pytest.mark.parametrize(
    ("name", "value"),
    [("entries_per_day", -1.0), ("entries_per_day", np.nan), ("policy_share", 1.0), ("temperature", 0.5)],
)
def test_a_setting_out_of_range_is_named(name: str, value: float) -> None:
    with pytest.raises(InvalidInput, match=f"exploration.{name}"):
        ExplorationConfig(**{name: value})
