"""What must hold of the analyses: every trade once, the sums of the ledger, neighbours of the past."""

from datetime import timedelta

import pyarrow as pa

from huracan.analysis.trades.checks import judge_coverage, judge_loss_reasons, judge_neighbours
from tests.huracan.analysis.test_losses import MADE_FOR


def test_every_trade_is_analysed_once_and_zero_counts_as_a_loss(make_trades, win, lose, winning) -> None:
    trades = make_trades(winning, {}, {"net_bps": 0.0, "gross_bps": 20.0}, winning)
    wins, losses = win(trades), lose(trades)
    assert (len(wins), len(losses)) == (2, 2)
    assert judge_coverage(trades, wins, losses).passed
    assert not judge_coverage(trades, wins, losses.slice(1)).passed
    assert not judge_coverage(trades, pa.concat_tables([wins, wins.slice(1)]), losses).passed
    assert not judge_coverage(trades.slice(1), wins, losses).passed


def test_a_day_without_trades_has_empty_tables_that_pass(make_trades, win, lose) -> None:
    trades = make_trades()
    wins, losses = win(trades), lose(trades)
    assert wins.num_rows == losses.num_rows == 0
    assert judge_coverage(trades, wins, losses).passed and judge_loss_reasons(losses).passed


def test_a_neighbour_closed_at_the_signal_fails_the_check(make_trades, make_neighbours) -> None:
    trades = make_trades({})
    neighbours = make_neighbours(0, 2, 1)
    assert judge_neighbours(trades, neighbours).passed
    at_signal = pa.array(
        [
            trades.column("signal_time")[0].as_py() - timedelta(hours=1),
            trades.column("signal_time")[0].as_py(),
        ],
        neighbours.schema.field("closed_at").type,
    )
    index = neighbours.column_names.index("closed_at")
    assert not judge_neighbours(trades, neighbours.set_column(index, "closed_at", at_signal)).passed


def test_analyses_are_the_same_to_the_byte_twice(make_trades, win, lose, winning) -> None:
    trades = make_trades(winning, *MADE_FOR.values())
    assert win(trades).equals(win(trades)) and lose(trades).equals(lose(trades))
