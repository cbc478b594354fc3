"""What a seed would have done at a signal: on a flat account, at its moment, whatever comes later."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from huracan.ensemble.seeds import entry_probabilities
from huracan.market.block import MarketBlock
from huracan.market.paper.exploring.book import Explorer, explore_day
from huracan.market.paper.exploring.rates import ExplorationConfig
from huracan.market.paper.watch import Watch
from tests.huracan.market.paper_days import COSTS, MADE_BY, RULES, ByFeatures

Market = Callable[..., MarketBlock]
OTHER = [Watch(ByFeatures(seed=1), "other")]
LONG, SHORT, WAIT = [1, 2, 3], [10, 11, 12], 0


@pytest.fixture(scope="module")
def block(random_market: Market) -> MarketBlock:
    return random_market(4, bars=300, day_bars=300)


@pytest.fixture(scope="module")
def signals(block: MarketBlock) -> pa.Table:
    watches = [Watch(ByFeatures(), "model")]
    many = Explorer(ExplorationConfig(entries_per_day=360.0))
    return explore_day(block, watches, RULES, COSTS, MADE_BY, many).trades


def test_the_policy_itself_gives_what_its_trades_have_written_down(
    block: MarketBlock, signals: pa.Table
) -> None:
    said = entry_probabilities(block, [Watch(ByFeatures(), "model")], RULES, COSTS, signals)
    assert signals.num_rows > 20 and set(signals["side"].to_pylist()) == {"long", "short"}
    for row, found in zip(signals.to_pylist(), said.tolist(), strict=True):
        chances = np.array(row["action_probabilities"])
        enters = chances[LONG if row["side"] == "long" else SHORT].sum()
        assert found == pytest.approx(enters / (enters + chances[WAIT]), rel=1e-5)


def test_later_bars_change_nothing_of_what_a_seed_said(block: MarketBlock, signals: pa.Table) -> None:
    whole = entry_probabilities(block, OTHER, RULES, COSTS, signals)
    assert np.isfinite(whole).all() and not np.array_equal(
        whole, entry_probabilities(block, [Watch(ByFeatures(), "model")], RULES, COSTS, signals)
    )
    cut = entry_probabilities(block.slice(0, 200), OTHER, RULES, COSTS, signals)
    early = signals["signal_time"].cast(pa.int64()).to_numpy() < block.time_of(np.array([199]))[0]
    assert early.any() and not early.all()
    assert np.array_equal(cut[early], whole[early])


def test_where_nobody_decides_or_the_market_is_unknown_nothing_is_said(
    block: MarketBlock, signals: pa.Table
) -> None:
    assert np.isnan(entry_probabilities(block, [Watch(None, None)], RULES, COSTS, signals)).all()
    renamed = signals.set_column(
        signals.schema.get_field_index("symbol"), "symbol", pa.array(["X/Y"] * signals.num_rows)
    )
    assert np.isnan(entry_probabilities(block, OTHER, RULES, COSTS, renamed)).all()
