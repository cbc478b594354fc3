"""How a position stood at closes, by hand, and never by what came after."""

import math
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan.analysis.outcome import directions
from huracan.candles.schema import TIME
from huracan.gates.evidence.going_on import Standing
from huracan.gates.roster import gate_kinds
from huracan.market.facts.marks import positions_stood
from huracan.market.facts.open_then import positions_open_at
from huracan.market.facts.signal_facts import MarketFacts
from huracan.market.rules import TradingRules
from tests.huracan.conftest import hourly_ledger
from tests.huracan.gates.columns import with_column
from tests.huracan.market.facts.test_signal_facts import START, _candles

RULES = TradingRules(maximum_holding="2h", volatility_horizon="1h")
UNIT_BPS = 4.0 * math.sqrt(60)


def _trade(entry: int, leave: int, **told: object) -> pa.Table:
    """Long from 100 at minute `entry`, closed in the bar of minute `leave`, of 4 bps one-bar volatility."""
    trade = with_column(hourly_ledger(1), "symbol", ["BTC/USDT"])
    told = {
        "side": ["long"], "entry_reference_price": [100.0], "entry_volatility_bps": [4.0],
        "estimated_cost_bps": [20.0], "exit_reason": ["STOP"], "adds": [0], "scale_outs": [0], **told,
    }  # fmt: skip
    for name, minute in (("entry_time", entry), ("exit_time", leave)):
        told[name] = pa.array([START + timedelta(minutes=minute)]).cast(TIME)
    for name, value in told.items():
        trade = with_column(trade, name, value)
    return trade


def _stood(trade: pa.Table, close: list[float], decided: int = 15):  # type: ignore[no-untyped-def]
    market = _candles(close)
    return positions_stood(trade, market, MarketFacts(market), RULES, decided)


def test_gain_age_and_what_leaving_would_have_brought_by_hand() -> None:
    """Up by a cent a minute from 100 at minute 60: closes at minutes 75 and 90, left at the next opens."""
    close = [100.0] * 60 + [100.0 + 0.01 * (minute + 1) for minute in range(60)]
    stood = _stood(_trade(60, 100), close)
    rows = stood.positions.to_pylist()
    assert [row["moment"] for row in rows] == [START + timedelta(minutes=each) for each in (75, 90)]
    moved = [15.0, 30.0]
    assert [row["gain"] for row in rows] == pytest.approx([each / UNIT_BPS for each in moved], rel=1e-5)
    assert [row["age"] for row in rows] == pytest.approx([15 / 120, 30 / 120])
    # The bar after opens at the close before it.
    assert stood.would_net_bps.tolist() == pytest.approx([each - 20.0 for each in moved])
    marks = stood.marks(np.array([-50.0])).to_pylist()
    assert [row["remaining_bps"] for row in marks] == pytest.approx([-50.0 + 5.0, -50.0 - 10.0])


def test_a_short_position_gains_where_the_price_falls() -> None:
    close = [100.0] * 60 + [100.0 - 0.01 * (minute + 1) for minute in range(60)]
    stood = _stood(_trade(60, 80, side=["short"]), close)
    assert stood.positions["gain"].to_pylist() == pytest.approx([15.0 / UNIT_BPS], rel=1e-5)
    assert stood.would_net_bps.tolist() == pytest.approx([-5.0])


def test_the_close_before_the_bar_of_its_exit_counts_unless_the_exit_was_ordered_then() -> None:
    close = [100.0] * 120
    assert len(_stood(_trade(60, 75), close).trade) == 1
    for reason in ("POLICY_EXIT", "SCRATCH", "TIME_OUT"):
        assert len(_stood(_trade(60, 75, exit_reason=[reason]), close).trade) == 0


def test_a_position_of_several_sizes_has_no_closes() -> None:
    for name in ("adds", "scale_outs"):
        assert len(_stood(_trade(60, 100, **{name: [1]}), [100.0] * 120).trade) == 0


def test_where_no_bar_follows_nobody_knows_what_leaving_would_have_brought() -> None:
    stood = _stood(_trade(60, 75), [100.0] * 75)
    assert np.isnan(stood.would_net_bps).all()
    assert stood.marks(np.array([5.0]))["remaining_bps"].to_pylist() == [None]


def test_what_stood_at_a_close_does_not_depend_on_later_candles() -> None:
    random = np.random.default_rng(1)
    close = (100.0 * np.exp(np.cumsum(random.standard_normal(240) * 5e-4))).tolist()
    other = close[:120] + [each * 1.5 for each in close[120:]]
    one, two = (_stood(_trade(60, 200), each).positions for each in (close, other))
    early = [row["moment"] <= START + timedelta(minutes=120) for row in one.to_pylist()]
    assert sum(early) == 4
    assert one.filter(pa.array(early)).equals(two.filter(pa.array(early)))


def test_a_close_is_kept_where_a_position_is_told_apart_from_the_close_before() -> None:
    """The first; those at which it grows old; and the one at which it had made more than a unit."""
    steps = [100.0] * 60 + [100.0] * 180 + [100.0 * (1 + 1.2 * UNIT_BPS * 1e-4)] * 60
    kept = _stood(_trade(60, 290), steps).marks(np.array([0.0])).to_pylist()
    minutes = [(row["moment"] - START).total_seconds() / 60 for row in kept]
    # After 12 and 24 minutes it is a tenth and a fifth of the longest holding old.
    assert minutes[:2] == [75, 90] and 255 in minutes and len(minutes) < 6


@pytest.mark.parametrize("name", ["scratch", "runner_unlock"])
def test_the_first_close_of_every_kind_is_among_those_that_are_kept(name: str) -> None:
    """By every close of two hundred positions: at usual settings no kind is met later, or never."""
    random = np.random.default_rng(7)
    close = (100.0 * np.exp(np.cumsum(random.standard_normal(3000) * 4e-4))).tolist()
    starts = range(70, 2800, 14)
    trades = pa.concat_tables([with_column(_trade(at, at + 110), "trade_id", [f"p{at}"]) for at in starts])
    trades = with_column(trades, "side", [("long", "short")[row % 2] for row in range(len(starts))])
    stood, settings = _stood(trades, close, 1), gate_kinds()[name].settings()
    marks = stood.marks(np.zeros(len(starts)))
    way = dict(zip(trades["trade_id"].to_pylist(), directions(trades), strict=True))

    def first(table: pa.Table) -> dict[tuple[str, str], object]:
        names = table["trade_id"].to_pylist()
        found: dict[tuple[str, str], object] = {}
        ways = np.array([way[each] for each in names])
        for each, kind, moment in zip(
            names, settings.kinds(Standing.of(table, ways)), table["moment"].to_pylist(), strict=True
        ):
            if kind is not None:
                found.setdefault((each, kind), moment)
        return found

    of_all = first(stood.positions)
    assert len(of_all) > 100 and first(marks) == of_all
    assert marks.num_rows < stood.positions.num_rows / 2


def test_rows_of_some_trades_are_theirs() -> None:
    both = pa.concat_tables([_trade(60, 100), with_column(_trade(60, 80), "trade_id", ["other"])])
    stood = _stood(both, [100.0] * 120)
    assert stood.trade.tolist() == [0, 0, 1]
    turned = stood.take(np.array([1, 0]))
    assert turned.trade.tolist() == [0, 1, 1]
    assert turned.positions["trade_id"].to_pylist()[0] == "other"


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=12), st.integers(0, 60))
def test_positions_open_at_a_moment_are_those_entered_before_and_left_then_or_later(
    spans: list[tuple[int, int]], moment: int
) -> None:
    pairs = [(min(pair), max(pair)) for pair in spans]
    entries, exits = (np.array([pair[place] for pair in pairs], np.int64) for place in (0, 1))
    found = positions_open_at(np.array([moment]), entries, exits)
    # One that is entered and left in one bar is never open at a close.
    assert found.tolist() == [sum(entry < moment <= leave for entry, leave in pairs)]
