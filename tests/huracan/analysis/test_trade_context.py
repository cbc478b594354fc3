"""One context of a day's trades: kept and read again it says the same, and never of other trades."""

import numpy as np
import pyarrow as pa
import pytest

from huracan.analysis.trades.loss_cases import BarLengths
from huracan.analysis.trades.losses import analyse_losses
from huracan.analysis.trades.luck import SCOPES, Luck
from huracan.analysis.trades.trade_context import TRADE_CONTEXT_SCHEMA, TradeContext
from huracan.analysis.trades.wins import analyse_wins
from huracan.candles.schema import Timeframe
from huracan.errors import InvalidInput
from huracan_resources.lake.parquet import decode_table, encode_table
from tests.huracan.analysis.conftest import DAY, make_context

MINUTES = BarLengths(Timeframe("1m"), Timeframe("1m"))


def _stored(context: TradeContext, trades: pa.Table) -> pa.Table:
    return decode_table(encode_table(context.table(trades, DAY)), "trade_context")


@pytest.fixture
def luck() -> Luck:
    """One trade of each scope, and one without a single entry; thirds have no short decimal form."""
    percentile = np.array([100 / 3, 200 / 3, 0.1 + 0.2, 1e-12, np.nan])
    return Luck(percentile, percentile * 0.7, np.array([21, 40, 60, 3, 0]), np.array([0, 1, 2, 3, 3]))


def test_wins_and_losses_are_the_same_by_a_context_that_was_stored(
    make_trades, winning, make_neighbours, statistics, luck
) -> None:
    trades = make_trades({}, winning, {"net_bps": -7.3}, winning | {"net_bps": 0.1}, {})
    neighbours = pa.concat_tables([make_neighbours(0, 7, 3), make_neighbours(1, 11, 9)])
    context = make_context(trades, statistics, neighbours, luck)
    table = _stored(context, trades)
    assert table.schema == TRADE_CONTEXT_SCHEMA and set(table["luck_scope"].to_pylist()) == {*SCOPES, None}
    read = TradeContext.read(table, trades)
    assert analyse_wins(trades, read, DAY).equals(analyse_wins(trades, context, DAY))
    losses = [analyse_losses(trades, each, DAY, MINUTES) for each in (read, context)]
    assert losses[0].equals(losses[1]) and len(losses[0]) == 3
    for name in ("percentile", "percentile_by_rules", "entries", "scope"):
        assert np.array_equal(getattr(read.luck, name), getattr(luck, name), equal_nan=True), name


def test_a_day_without_a_trade_has_a_context_without_a_row(make_trades, statistics) -> None:
    none = make_trades()
    read = TradeContext.read(_stored(make_context(none, statistics), none), none)
    assert len(analyse_wins(none, read, DAY)) == len(analyse_losses(none, read, DAY, MINUTES)) == 0


def test_a_context_of_other_trades_is_refused(make_trades, statistics) -> None:
    trades = make_trades({}, {}, {})
    table = _stored(make_context(trades, statistics), trades)
    for others in (trades.slice(1), trades.take([1, 0, 2])):
        with pytest.raises(InvalidInput, match="Make trade_context of that day again"):
            TradeContext.read(table, others)
