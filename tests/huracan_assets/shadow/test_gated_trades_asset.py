"""The book that obeys the gates which bind: the policy's own without them, and its own accounts with them."""

from datetime import date, timedelta

import pyarrow as pa
import pytest

from huracan.gates.cost import CostGate
from huracan.market.handover import as_night
from huracan_assets.gates.gate_decisions import gate_decisions
from huracan_assets.inputs.gates_in_force import gates_in_force
from huracan_assets.reads import resolve_all
from huracan_assets.shadow.explored_trades import explored_trades
from huracan_assets.shadow.gated_trades import gated_trades
from huracan_assets.stage import Outcome, StageContext
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings
from tests.huracan_assets.shadow.paper_home import BEFORE, DAY, FIRST, HOURS, Paper

BARS = ("action", "cash_usd", "equity_usd", "result_usd", "drawdown_bps")
NONE_IN_TREND = {
    "gates.action_masks.mode": "binding",
    "gates.action_masks.largest_size": {"trend": 0.0, "range": 0.0, "high_volatility": 0.0, "panic": 0.0},
}


def _with(paper: Paper, **settings: object) -> Paper:
    """The same home under other settings."""
    told = {name.replace("__", "."): value for name, value in settings.items()}
    home = {"HURACAN_HOME": str(paper.resources.settings.storage.home)}
    return Paper(Resources(load_settings({**HOURS, **told}, home)))


@pytest.fixture
def traded(paper: Paper) -> dict[date, Outcome]:
    """Three days of the policy's own book, with what it takes to fit gates."""
    paper.train(*(DAY - timedelta(days=back) for back in (4, 3, 2, 1)))
    return _trade_all(paper)


def _trade_all(paper: Paper) -> dict[date, Outcome]:
    found = {}
    for day in (FIRST, BEFORE, DAY):
        found[day] = paper.trade(day)
        paper.trade(day, stage=explored_trades)
        if day != DAY:
            paper.trade(day, stage=gate_decisions)
    return found


def _same(gated: Outcome, alone: Outcome) -> bool:
    pairs = [(gated.tables[name], alone.tables[name]) for name in ("data", "fills", "open_positions")]
    pairs.append((gated.tables["session"].select(BARS), alone.tables["session"].select(BARS)))
    return all(repr(one.to_pylist()) == repr(other.to_pylist()) for one, other in pairs)


def _verdict(outcome: Outcome, check: str) -> str:
    (found,) = [verdict for verdict in outcome.verdicts if verdict.check == check]
    assert found.passed
    return found.reason


def test_without_a_gate_that_binds_both_books_are_the_same_to_the_bit_day_after_day(
    paper: Paper, traded: dict[date, Outcome]
) -> None:
    for day in (FIRST, BEFORE, DAY):
        gated = paper.trade(day, stage=gated_trades)
        assert _same(gated, traded[day])
        assert "both books are the same" in _verdict(gated, "books_agree")
        assert gated.tables["interventions"].num_rows == 0
        assert gated.tables["binding"]["worth_usd"].to_pylist() == [0.0, 0.0]
    assert traded[DAY].tables["data"].num_rows > 3


def test_a_gate_that_binds_keeps_its_book_out_while_the_policy_goes_on(
    paper: Paper, traded: dict[date, Outcome]
) -> None:
    strict = _with(paper, **{name.replace(".", "__"): value for name, value in NONE_IN_TREND.items()})
    gated = [strict.trade(day, stage=gated_trades) for day in (FIRST, BEFORE, DAY)]
    assert "These gates bind: action_masks" in _verdict(gated[-1], "books_agree")
    assert all(outcome.tables["data"].num_rows == 0 for outcome in gated)
    told = pa.concat_tables([outcome.tables["interventions"] for outcome in gated])
    assert told.num_rows > 3 and set(told["gates"].to_pylist()) == {"action_masks"}
    assert "0 would pass whole" in told["reason"][0].as_py() or "is too large" in told["reason"][0].as_py()
    made = sum(traded[DAY].tables["session"]["result_usd"].to_pylist())
    worth = sum(gated[-1].tables["binding"]["worth_usd"].to_pylist())
    assert worth == pytest.approx(-made) and made != 0.0


def test_a_book_that_begins_goes_on_from_the_policys_accounts_and_from_its_own_later(
    paper: Paper, traded: dict[date, Outcome]
) -> None:
    strict = _with(paper, **{name.replace(".", "__"): value for name, value in NONE_IN_TREND.items()})
    began = strict.trade(BEFORE, stage=gated_trades)
    held = traded[FIRST].tables["open_positions"]
    assert held["side"].is_valid().to_pylist().count(True) > 0
    ids = set(held["trade_id"].drop_null().to_pylist())
    assert ids <= {
        *began.tables["data"]["trade_id"].to_pylist(),
        *began.tables["open_positions"]["trade_id"].drop_null().to_pylist(),
    }
    later = paper.trade(DAY, stage=gated_trades)
    assert "still differ by what gates did on days before" in _verdict(later, "books_agree")
    own, others = (
        {row["symbol"]: row["cash_usd"] for row in outcome.tables["open_positions"].to_pylist()}
        for outcome in (later, traded[DAY])
    )
    assert own != others


def test_a_gate_that_learns_binds_by_what_was_known_the_night_before(paper: Paper) -> None:
    short = {"market__rules__maximum_holding": "6h", "gates__cost__minimum_past_trades": 1}
    home = _with(paper, **short)
    paper.train(*(DAY - timedelta(days=back) for back in (4, 3, 2, 1)))
    _trade_all(home)
    gated = _with(paper, **short, gates__cost__mode="binding").trade(DAY, stage=gated_trades)
    told = gated.tables["interventions"].to_pylist()
    assert told and {row["gates"] for row in told} == {"cost"}
    assert all("expected gross edge" in row["reason"] for row in told)
    assert {row["taken"] for row in told} == {"WAIT"}


def test_up_to_the_handover_the_gates_of_the_night_before_the_last_bind(paper: Paper) -> None:
    """That night's past is too short by then, so its gate abstains; the next one's is long enough."""
    short = {"market__rules__maximum_holding": "6h"}
    paper.train(*(DAY - timedelta(days=back) for back in (4, 3, 2, 1)))
    _trade_all(_with(paper, **short))
    counts = [_past_trades(_with(paper, **short), night) for night in (FIRST, BEFORE)]
    assert counts[0] < counts[1] and counts[0] > 0
    strict = {"gates__cost__minimum_past_trades": int(counts[1]), "gates__cost__buffer_bps": 1000.0}
    home = _with(paper, **short, **strict, gates__cost__mode="binding")
    told = home.trade(DAY, stage=gated_trades).tables["interventions"]
    moments = [row["moment"] for row in told.to_pylist()]
    assert moments and min(moments).hour >= 4, "the handover is at 04:00"


def _past_trades(home: Paper, night: date) -> float:
    """So many trades the gates of a night are fitted on."""
    context = StageContext("gated_trades", DAY, home.resources.settings, home.resources, "")
    inputs = resolve_all(home.resources.lake, gated_trades.reads, DAY, home.resources.settings)
    gates = gates_in_force(inputs, context, [as_night(night)], ["cost"])
    gate = gates[as_night(night)]["cost"]
    assert isinstance(gate, CostGate)
    return gate.edge.usual.trades


def test_gates_are_told_of_the_market_at_the_signal(paper: Paper) -> None:
    """One that chooses the order type asks how often a resting order was filled."""
    short = {"market__rules__maximum_holding": "6h", "gates__fill_probability__minimum_past_trades": 1}
    paper.train(*(DAY - timedelta(days=back) for back in (4, 3, 2, 1)))
    _trade_all(_with(paper, **short))
    home = _with(paper, **short, gates__fill_probability__mode="binding")
    gated = home.trade(DAY, stage=gated_trades)
    sent = gated.tables["session"]["order_type"].drop_null().to_pylist()
    assert sent and set(sent) <= {"limit", "market"}
    assert all("a resting" in row["reason"] for row in gated.tables["interventions"].to_pylist())
