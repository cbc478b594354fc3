"""A session's table gives back the actions that were played, and nothing where it cannot."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from huracan.errors import InputRefused
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.paper.session import Session, trade_session
from huracan.market.paper.stored_actions import stored_actions
from huracan.market.paper.provenance import Provenance
from huracan.market.policy import ScriptedPolicy
from huracan.market.rules import TradingRules

RULES = TradingRules(maximum_holding="15m", allow_short=True)

Market = Callable[..., MarketBlock]


def _session(block: MarketBlock, rules: TradingRules = RULES) -> Session:
    script = np.random.default_rng(1).integers(0, 13, (block.bar_count, 4))
    policy = ScriptedPolicy(script, is_lenient=True)
    return trade_session(block, policy, rules, CostAssumptions(), Provenance("m", "d", "c", True))


def test_the_lanes_come_back_with_their_symbols_and_days(random_market: Market) -> None:
    block = random_market(1)
    bars = _session(block).bars
    found = stored_actions(bars.select(["symbol", "open_time", "action"]), block, RULES)
    assert found.symbols.tolist() == [0, 0, 1, 1] and found.first_bars.tolist() == [0, 80, 0, 80]
    names = [["WAIT", "ENTER_HALF", "ENTER_FULL"].index(name) for name in bars["action"][:1].to_pylist()]
    assert found.actions.shape == (4, 80) and found.actions[0, 0] == names[0]
    one_day = block.slice_days(block.days[1], block.days[1])
    rows = bars.filter(pc.greater_equal(bars["open_time"].cast(pa.int64()), int(one_day.open_time_ms[0])))
    again = stored_actions(rows, one_day, RULES)
    assert np.array_equal(again.actions, found.actions[[1, 3]])


def test_a_table_that_is_not_the_whole_session_is_refused(random_market: Market) -> None:
    block = random_market(1)
    bars = _session(block).bars
    short = bars.filter(pa.array(np.arange(bars.num_rows) % 80 < 79))
    for wrong in (
        bars.slice(1),
        bars.slice(0, 100),
        short,
        bars.slice(0, 0),
        bars.take(pc.array_sort_indices(bars["action"])),
    ):
        with pytest.raises(InputRefused, match="every bar"):
            stored_actions(wrong, block, RULES)
    with pytest.raises(InputRefused, match="every bar"):
        stored_actions(bars, block.slice_days(block.days[0], block.days[0]), RULES)


def test_an_action_or_a_symbol_of_another_market_is_refused(random_market: Market) -> None:
    block = random_market(1)
    bars = _session(block).bars
    with pytest.raises(InputRefused, match="does not know"):
        stored_actions(bars, block, replace(RULES, allow_short=False))
    with pytest.raises(InputRefused, match="does not know"):
        stored_actions(bars, replace(block, symbols=("S0", "S9")), RULES)
