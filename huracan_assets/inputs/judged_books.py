"""What gates said of the signals of the trailing nights, and what became of them."""

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from huracan.gates.judging.judge import DECISIONS_SCHEMA
from huracan.gates.worth.bets import stakes_of
from huracan.gates.worth.judged import LEFT, JudgedBook, judged_book, of_book
from huracan.gates.worth.trailing_columns import NIGHTS_READ
from huracan.market.ledger import EXPLORED, POLICY, TRADES_SCHEMA
from huracan.market.paper.exploring.columns import EXPLORED_SCHEMA
from huracan.models.past import weights_of
from huracan_assets.reads import Inputs, Read, record

_BEFORE = Read(
    "gate_decisions",
    days=NIGHTS_READ - 1,
    ends=-1,
    edge=False,
    is_record=True,
    may_lack_days=True,
    table="data",
)
_OUTCOME = ["trade_id", "signal_time", "exit_time", "net_bps", "entry_volatility_bps"]
_DENSITIES = ["propensity", "policy_density", "uniform_density"]
_ANSWERS = ["trade_id", "gate", "verdict", "margin", "book", "mode", LEFT]

JUDGED_SIGNALS = (
    record("gate_decisions"),
    record("shadow_trades"),
    Read("explored_trades", is_record=True, may_lack_days=True),
    replace(_BEFORE, key="earlier_decisions"),
    replace(_BEFORE, asset="shadow_trades", key="earlier_trades"),
    replace(_BEFORE, asset="explored_trades", key="earlier_explored"),
)
"""The night's own, and those of as many nights before as its trailing windows look back on."""


def has_judged(inputs: Inputs) -> bool:
    """Whether any of the nights has signals that gates judged."""
    return inputs.has("gate_decisions") or inputs.has("earlier_decisions")


def judged_books(inputs: Inputs) -> dict[str, JudgedBook]:
    """Each book by name, of all the nights; an explored entry counts as what the policy, softened, makes of
    it. Answers about trades that are not in the ledger any more, because their night was remade, are left
    out."""
    decisions = _joined(inputs, ("earlier_decisions", "gate_decisions"), _ANSWERS, DECISIONS_SCHEMA)
    own = _joined(inputs, ("earlier_trades", "shadow_trades"), _OUTCOME, TRADES_SCHEMA)
    names = ("earlier_explored", "explored_trades")
    explored = _joined(inputs, names, [*_OUTCOME, *_DENSITIES], EXPLORED_SCHEMA)
    return {
        POLICY: judged_book(_about(decisions, POLICY, own), own),
        EXPLORED: judged_book(
            _about(decisions, EXPLORED, explored),
            explored,
            weights_of(explored),
            EXPLORED,
            stakes_of(explored),
        ),
    }


def _about(decisions: pa.Table, book: str, trades: pa.Table) -> pa.Table:
    found = of_book(decisions, book)
    return found.filter(pc.is_in(found["trade_id"], value_set=trades["trade_id"].combine_chunks()))


def _joined(inputs: Inputs, names: tuple[str, str], columns: Sequence[str], schema: pa.Schema) -> pa.Table:
    """The columns of all days; what a day of an earlier version did not write is null. Day by day, because
    most of a day is not asked for."""
    wanted = pa.schema([schema.field(name) for name in columns])
    days = [
        day.select([name for name in columns if name in day.column_names])
        for name in names
        for day in inputs.each_day(name)
    ]
    return pa.concat_tables([wanted.empty_table(), *days], promote_options="permissive").cast(wanted)
