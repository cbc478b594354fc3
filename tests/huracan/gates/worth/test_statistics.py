"""What gates were worth, by hand."""

from collections.abc import Callable

import pyarrow as pa
import pytest

from huracan.errors import InvalidInput
from huracan.gates.contract import ABSTAIN, BLOCK, PASS, OrderType, order, resize
from huracan.gates.judging.judge import judge_signals
from huracan.gates.worth.statistics import GATE_STATISTICS_SCHEMA, gate_statistics
from tests.huracan.gates.columns import with_column
from tests.huracan.gates.test_judge import FixedGate

Maker = Callable[..., pa.Table]


def test_statistics_by_hand(make_ledger: Maker) -> None:
    trades = make_ledger(5)
    trades = with_column(trades, "net_bps", [10.0, -20.0, -30.0, 40.0, 7.0])
    trades = with_column(trades, "net_usd", [1.0, -2.0, -3.0, 4.0, 0.7])
    decisions = judge_signals(trades, {"fixed": FixedGate((PASS, PASS, BLOCK, BLOCK, ABSTAIN))})
    table = gate_statistics(decisions, trades)
    assert table.schema == GATE_STATISTICS_SCHEMA
    row = table.to_pylist()[0]
    assert (row["judged"], row["passed"], row["blocked"], row["abstained"]) == (5, 2, 2, 1)
    assert row["block_rate"] == 0.5
    assert row["passed_mean_net_bps"] == -5.0 and row["passed_net_usd"] == -1.0
    assert row["blocked_mean_net_bps"] == 5.0 and row["saved_usd"] == -1.0
    assert (row["good_blocks"], row["bad_blocks"]) == (1, 1)
    with pytest.raises(InvalidInput):
        gate_statistics(decisions, trades.slice(1))


def test_what_is_resized_counts_by_its_part_and_the_rest_as_saved(make_ledger: Maker) -> None:
    trades = with_column(make_ledger(5), "net_usd", [8.0, -6.0, 4.0, -3.0, 5.0])
    trades = with_column(trades, "net_bps", [80.0, -60.0, 40.0, -30.0, 50.0])
    answers = (PASS, resize(0.5), resize(2.0), BLOCK, ABSTAIN)
    gates = {"fixed": FixedGate(answers), "half": FixedGate((resize(0.5),) * 5)}
    fixed, half, combined = gate_statistics(judge_signals(trades, gates), trades).to_pylist()
    assert fixed["passed_net_usd"] == 8.0 - 3.0 + 8.0
    assert fixed["saved_usd"] == 3.0 + 4.0 + 3.0
    assert fixed["blocked_net_usd"] == -3.0 and fixed["passed_mean_net_bps"] == 20.0
    assert (half["passed_net_usd"], half["saved_usd"]) == (4.0, -4.0)
    assert combined["passed_net_usd"] == 4.0 - 1.5 + 4.0 + 2.5
    assert combined["saved_usd"] == -4.0 + 4.5 + 0.0 - 2.5 + 3.0


def test_what_passes_on_a_condition_passes(make_ledger: Maker) -> None:
    trades = make_ledger(3)
    gates = {"fixed": FixedGate((resize(0.5), order(OrderType.LIMIT), BLOCK))}
    for row in gate_statistics(judge_signals(trades, gates), trades).to_pylist():
        assert (row["passed"], row["blocked"]) == (2, 1)
