"""A session's table gives back the actions that were played, and nothing where it cannot."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from huracan.errors import InputRefused
from huracan.market.actions import action_names
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.paper.provenance import Provenance
from huracan.market.paper.session import Session, trade_session
from huracan.market.paper.stored_actions import stored_actions
from huracan.market.policy import ScriptedPolicy
from huracan.market.rules import TradingRules

RULES = TradingRules(maximum_holding="15m", allow_short=True)

Market = Callable[..., MarketBlock]


def _session(block: MarketBlock, rules: TradingRules = RULES) -> Session:
    script = np.random.default_rng(1).integers(0, 13, (block.bar_count, block.symbol_count))
    policy = ScriptedPolicy(script, is_lenient=True)
    return trade_session(block, policy, rules, CostAssumptions(), Provenance("m", "d", "c", True))


def test_the_lanes_come_back_with_their_symbols_and_decisions(random_market: Market) -> None:
    block = random_market(1)
    bars = _session(block).bars
    found = stored_actions(bars.select(["symbol", "open_time", "action"]), block, RULES)
    assert found.symbols.tolist() == [0, 1] and found.first_bars.tolist() == [0, 0]
    assert found.actions.shape == (2, 159)
    names = np.array(action_names(True))[found.actions].reshape(-1)
    assert names.tolist() == bars["action"].to_pylist()
    turned = bars.take(pa.array(np.random.default_rng(2).permutation(bars.num_rows)))
    assert np.array_equal(stored_actions(turned, block, RULES).actions, found.actions)


def test_a_day_led_by_the_last_bar_before_it_has_the_decisions_of_its_own_rows(random_market: Market) -> None:
    block = random_market(1)
    bars = _session(block).bars
    day = block.slice(79, 159)
    rows = bars.filter(pc.greater_equal(bars["open_time"].cast(pa.int64()), int(block.open_time_ms[80])))
    found = stored_actions(rows, day, RULES)
    assert found.actions.shape == (2, 80) and rows.num_rows == 160
    assert np.array_equal(found.actions, stored_actions(bars, block, RULES).actions[:, 79:])


def test_the_last_row_of_a_symbol_that_left_the_universe_is_no_decision(random_market: Market) -> None:
    block = random_market(1)
    bars = _session(block).bars
    gone = bars.slice(0, 1).set_column(0, "symbol", pa.array(["GONE"]))
    gone = gone.set_column(2, "action", pa.nulls(1, pa.string()))
    with_it = stored_actions(pa.concat_tables([bars, gone]), block, RULES)
    assert np.array_equal(with_it.actions, stored_actions(bars, block, RULES).actions)


def test_a_table_that_is_not_the_whole_session_is_refused(random_market: Market) -> None:
    block = random_market(1)
    bars = _session(block).bars
    short = bars.filter(pa.array(np.arange(bars.num_rows) % 159 < 158))
    twice = pa.concat_tables([bars.slice(1), bars.slice(5, 1)])
    for wrong in (bars.slice(1), bars.slice(0, 100), short, bars.slice(0, 0), twice):
        with pytest.raises(InputRefused, match="every decision"):
            stored_actions(wrong, block, RULES)
    for market in (block.slice_days(block.days[0], block.days[0]), replace(block, symbols=("S0", "S9"))):
        with pytest.raises(InputRefused, match="every decision"):
            stored_actions(bars, market, RULES)


def test_an_action_of_another_market_is_refused(random_market: Market) -> None:
    block = random_market(1)
    with pytest.raises(InputRefused, match="does not know"):
        stored_actions(_session(block).bars, block, replace(RULES, allow_short=False))
