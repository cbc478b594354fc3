"""A day of the ensemble: only what had ended counts, whatever follows, and the state is what it was."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.analysis.outcome import milliseconds
from huracan.ensemble.columns import COMBINED, SIGNALS_SCHEMA, WEIGHTS_SCHEMA
from huracan.ensemble.hedge import Hedge
from huracan.ensemble.night import combine_day, judge_bound, read_hedge, weights_table, write_hedge
from tests.huracan.conftest import hourly_ledger
from tests.huracan.ensemble.columns import asked, made_day
from tests.huracan.gates.columns import with_column

DAY_MS = 86_400_000


def _combined(trades: pa.Table, chances: dict[str, np.ndarray], ended: pa.Table | None = None) -> pa.Table:
    return combine_day(Hedge(), asked(trades, chances), trades if ended is None else ended, (), 1).table


@settings(max_examples=25, deadline=None)
@given(cut=st.integers(1, 79), seed=st.integers(0, 1000))
def test_later_signals_and_endings_change_no_earlier_answer(cut: int, seed: int) -> None:
    trades, chances = made_day(80, seed)
    whole = _combined(trades, chances)
    known = {name: values[:cut] for name, values in chances.items()}
    part = _combined(trades.slice(0, cut), known)
    assert part.equals(whole.slice(0, part.num_rows))
    # Another end of the signals that had not ended by the last of the part: nobody could know it.
    last = milliseconds(trades, "signal_time")[cut - 1]
    late = milliseconds(trades, "exit_time") + 60_000 > last
    net = trades["net_bps"].to_numpy()
    turned = with_column(trades, "net_bps", np.where(late, -net, net))
    assert _combined(trades, chances, turned).slice(0, part.num_rows).equals(part)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000))
def test_the_order_of_the_rows_changes_nothing(seed: int) -> None:
    trades, chances = made_day(60, seed)
    mixed = np.random.default_rng(seed).permutation(60)
    day = asked(trades, chances)
    signals = day.signals.take(pa.array(mixed))
    shuffled = type(day)(signals, {}, {name: values[mixed] for name, values in chances.items()})
    ended = trades.take(pa.array(mixed[::-1].copy()))
    assert combine_day(Hedge(), shuffled, ended, (), 1).table.equals(_combined(trades, chances))


def test_an_end_counts_from_the_close_of_its_bar_on() -> None:
    trades = hourly_ledger(2, minutes_apart=30)
    left = trades["signal_time"][0].as_py() + timedelta(minutes=15)
    trades = with_column(trades, "exit_time", [left, left + timedelta(hours=2)])
    chances = {"a": np.full(2, 0.9), "b": np.full(2, 0.1)}
    shares = {}
    for bar_minutes in (15, 16):
        table = combine_day(Hedge(), asked(trades, chances), trades, (), bar_minutes).table
        rows = table.to_pylist()
        shares[bar_minutes] = [row["weight"] for row in rows if row["member"] == "a"]
    assert shares[15][0] == shares[16][0] == 0.5 and shares[16][1] == 0.5
    assert shares[15][1] != 0.5


def test_days_one_by_one_through_the_stored_state_are_the_days_in_one() -> None:
    trades, chances = made_day(96)
    whole, at_once = Hedge(), []
    day = combine_day(whole, asked(trades, chances), trades, (), 1)
    at_once.append(day.table)
    state, parts, learnt = write_hedge(Hedge()), [], 0
    signals, ends = (milliseconds(trades, name) // DAY_MS for name in ("signal_time", "exit_time"))
    every = asked(trades, chances)
    for each in range(int(signals.min()), int(ends.max()) + 1):
        hedge, rows = read_hedge(state), np.flatnonzero(signals == each)
        own = type(every)(
            every.signals.take(pa.array(rows)), {}, {name: values[rows] for name, values in chances.items()}
        )
        held = trades.filter(pa.array((signals <= each) & (ends > each)))["trade_id"].to_pylist()
        part = combine_day(hedge, own, trades.filter(pa.array(ends == each)), held, 1)
        parts.append(part.table)
        learnt, state = learnt + part.learnt, write_hedge(hedge)
    assert pa.concat_tables(parts).equals(day.table) and learnt == day.learnt
    assert read_hedge(state) == whole and write_hedge(read_hedge(state)) == state


def test_rows_tell_every_member_and_all_together() -> None:
    trades, chances = made_day(9)
    table = _combined(trades, chances)
    assert table.schema == SIGNALS_SCHEMA and table.num_rows == 9 * 4
    for number in range(9):
        rows = {row["member"]: row for row in table.slice(4 * number, 4).to_pylist()}
        together = rows.pop(COMBINED)
        awake = [row for row in rows.values() if row["probability"] is not None]
        assert ("c" in {row["member"] for row in awake}) == (number % 3 != 0)
        assert sum(row["weight"] for row in awake) == pytest.approx(1.0)
        mean = sum(row["weight"] * row["probability"] for row in awake)
        spread = sum(row["weight"] * (row["probability"] - mean) ** 2 for row in awake) ** 0.5
        assert together["probability"] == pytest.approx(mean)
        assert together["disagreement"] == pytest.approx(spread) and together["weight"] is None


def test_a_signal_that_vanished_with_its_remade_day_is_not_waited_for() -> None:
    trades, chances = made_day(3)
    hedge = Hedge()
    day = combine_day(hedge, asked(trades, chances), trades.slice(0, 0), ["trade-00001"], 1)
    assert (day.learnt, day.vanished) == (0, 2) and set(hedge.waiting) == {"trade-00001"}
    assert combine_day(hedge, asked(trades.slice(0, 0), {}), trades, (), 1).unasked == 2


def test_the_check_names_the_best_member_and_fails_where_the_bound_is_passed() -> None:
    trades, chances = made_day(60)
    hedge = Hedge()
    assert judge_bound(weights_table(hedge)).passed, "nothing has ended yet"
    combine_day(hedge, asked(trades, chances), trades, (), 1)
    weights = weights_table(hedge)
    assert weights.schema == WEIGHTS_SCHEMA and weights["weight"].to_numpy().sum() == pytest.approx(1.0)
    verdict = judge_bound(weights)
    assert verdict.passed and verdict.reason.startswith(f"{hedge.best()} is ahead most")
    broken = with_column(weights, "regret", weights["bound"].to_numpy() + 0.01)
    verdict = judge_bound(broken)
    assert not verdict.passed and verdict.blocking and "behind a, b, c" in verdict.reason
