"""The signals of one book with what every gate said of each and what became of it, as arrays."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.analysis.outcome import floats, milliseconds
from huracan.errors import InvalidInput
from huracan.evaluation.equity import MS_PER_DAY
from huracan.gates.contract import ABSTAIN, BLOCK, COMBINED, PASS, closing_ms_in, size_factor_in, verdict_in
from huracan.market.ledger import POLICY

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]

LEFT = "left_net_bps"
ADVISORY = "advisory"
"""How gates were asked before it was written down."""


@dataclass(frozen=True, eq=False)
class JudgedBook:
    """n signals of a book, each a closed trade, and g gates in the order in which they first judged."""

    name: str
    gates: tuple[str, ...]
    """COMBINED among them, if it was stored."""
    modes: tuple[str, ...]
    """[g] that of the newest decision."""
    night: Integers
    """[n] days since 1970 of the day on which the trade closed."""
    opened_ms: Integers
    """[n] the signal."""
    closed_ms: Integers
    """[n] just after the open of the bar in which the trade closed: known to signals at its close, not at
    that open."""
    net_bps: Floats
    """[n] of the whole trade, as if no gate had touched it."""
    volatility_bps: Floats
    """[n] of one bar, at the entry; NaN where unknown."""
    weight: Floats
    """[n] what the signal counts for."""
    stake: Floats
    """[n] the part of a whole stake that a bet on the signal has, 0 to 1; known at the entry."""
    is_judged: Bools
    """[n, g]"""
    has_passed: Bools
    """[n, g] also on a condition."""
    is_refused: Bools
    """[n, g]"""
    kept: Floats
    """[n, g] the part of the trade that the gate leaves: 0 refused, its factor resized, 1 passed or
    abstained."""
    left_bps: Floats
    """[n, g] what the whole trade comes to where the gate has its position left; NaN elsewhere."""
    left_ms: Integers
    """[n, g] the close at which it would order that; 0 elsewhere."""
    margin: Floats
    """[n, g] value less threshold; NaN where unknown."""
    said: Integers
    """[n, g] a number for each text of an answer; -1 where the gate was not asked."""

    def of_nights(self, first: int, last: int) -> "JudgedBook":
        """Those that closed on the nights `first` to `last`."""
        return self.take((self.night >= first) & (self.night <= last))

    def take(self, rows: Bools) -> "JudgedBook":
        """Those of the rows."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _BY_SIGNAL})

    @property
    def saved_bps(self) -> Floats:
        """[n, g] what each gate would have saved, of the whole trade's notional; below 0: cost. A resized
        trade is taken to make its factor of what the whole one made: slippage that grows with size is left
        out."""
        net = self.net_bps[:, None]
        saved: Floats = self.kept * np.where(self.leaves, self.left_bps, net) - net
        return saved

    @property
    def leaves(self) -> Bools:
        """[n, g] where the gate has the position left."""
        return np.isfinite(self.left_bps)

    @property
    def acts(self) -> Bools:
        """[n, g] where the gate would change what is made."""
        acts: Bools = (self.kept != 1.0) | self.leaves
        return acts

    @property
    def parts(self) -> Floats:
        """[n, g] the part of the trade's net that each gate leaves among the others, so that what several
        leave is the product: of those that have a position left only the first does. A trade that came to
        nothing keeps it."""
        net, never = self.net_bps[:, None], np.iinfo(np.int64).max
        moments = np.where(self.leaves, self.left_ms, never)
        of_all = moments[:, self.members].min(axis=1, initial=never)[:, None]
        is_first = self.leaves & (moments == of_all) & (np.cumsum(moments == of_all, axis=1) == 1)
        share = np.divide(self.left_bps, net, out=np.ones_like(self.left_bps), where=is_first & (net != 0.0))
        return self.kept * share

    @property
    def members(self) -> list[int]:
        """The columns of the gates themselves, without their combination."""
        return [at for at, gate in enumerate(self.gates) if gate != COMBINED]


_BY_SIGNAL = (
    *("night", "opened_ms", "closed_ms", "net_bps", "volatility_bps", "weight", "stake"),
    *("is_judged", "has_passed", "is_refused", "kept", "left_bps", "left_ms", "margin", "said"),
)


def judged_book(
    decisions: pa.Table,
    trades: pa.Table,
    weight: Floats | None = None,
    name: str = POLICY,
    stake: Floats | None = None,
) -> JudgedBook:
    """The signals of the book `name` among `decisions` (DECISIONS_SCHEMA; without the column `book` all are
    of the policy, without `mode` all advise), with the outcomes of `trades` (TRADES_SCHEMA) of the same days.

    `weight` and `stake` [trades], None: 1 each. A gate that was never asked of a signal leaves it as it is.
    InvalidInput for a decision about a trade that is not given, two of one gate about one, and a weight or a
    stake too few.
    """
    decisions = of_trades(of_book(decisions, name))
    weight, stake = (np.ones(trades.num_rows) if each is None else each for each in (weight, stake))
    for each, what in ((weight, "weights"), (stake, "stakes")):
        if len(each) != trades.num_rows:
            raise InvalidInput(
                f"{len(each)} {what} were given for {trades.num_rows} trades.", "Give one for each."
            )
    ids = trades["trade_id"].to_pylist()
    signal, gate, gates = _places(decisions, ids)
    asked = np.zeros((trades.num_rows, len(gates)), dtype=np.bool_)
    asked[signal, gate] = True
    if int(asked.sum()) != decisions.num_rows:
        raise InvalidInput(
            f"{decisions.num_rows - int(asked.sum())} answers of a gate about a trade were given twice.",
            "Give the decisions of each day once.",
        )
    passed, refused = np.zeros(asked.shape, np.bool_), np.zeros(asked.shape, np.bool_)
    kept, margin, left = np.ones(asked.shape), np.full(asked.shape, np.nan), np.full(asked.shape, np.nan)
    told, left_ms = np.full(asked.shape, -1, np.int64), np.zeros(asked.shape, np.int64)
    said = pc.dictionary_encode(decisions["verdict"].combine_chunks())
    texts, code = said.dictionary.to_pylist(), said.indices.to_numpy()
    verdicts = [verdict_in(text) for text in texts]
    factors = [
        0.0 if verdict == BLOCK.text else size_factor_in(text)
        for verdict, text in zip(verdicts, texts, strict=True)
    ]
    if unknown := set(verdicts) - {PASS.text, BLOCK.text, ABSTAIN.text}:
        raise InvalidInput(f"A gate answered {min(unknown)!r}.", "Judge the day again.")
    if decisions.num_rows:
        passed[signal, gate] = (np.array(verdicts) == PASS.text)[code]
        refused[signal, gate] = (np.array(verdicts) == BLOCK.text)[code]
        kept[signal, gate] = np.array(factors)[code]
        margin[signal, gate] = floats(decisions, "margin")
        told[signal, gate] = code
        left_ms[signal, gate] = np.array([closing_ms_in(text) or 0 for text in texts], np.int64)[code]
        if LEFT in decisions.column_names:
            left[signal, gate] = floats(decisions, LEFT)
    closed = milliseconds(trades, "exit_time")
    is_asked: Bools = np.any(asked, axis=1)
    book = JudgedBook(
        name=name,
        gates=gates,
        modes=_modes(decisions, gates),
        night=closed // MS_PER_DAY,
        opened_ms=milliseconds(trades, "signal_time"),
        closed_ms=closed + 1,
        net_bps=floats(trades, "net_bps"),
        volatility_bps=floats(trades, "entry_volatility_bps"),
        weight=np.asarray(weight, dtype=np.float64),
        stake=np.asarray(stake, dtype=np.float64),
        is_judged=asked,
        has_passed=passed,
        is_refused=refused,
        kept=kept,
        left_bps=left,
        left_ms=left_ms,
        margin=margin,
        said=told,
    )
    return book if is_asked.all() else book.take(is_asked)


def of_book(decisions: pa.Table, name: str) -> pa.Table:
    """Those of `decisions` that are about signals of the book; without the column `book` all are the
    policy's."""
    if "book" not in decisions.column_names:
        return decisions if name == POLICY else decisions.slice(0, 0)
    return decisions.filter(pc.equal(pc.fill_null(decisions["book"], POLICY), name))


def of_trades(decisions: pa.Table) -> pa.Table:
    """Those of signals of which a trade came."""
    return decisions.filter(decisions["trade_id"].is_valid())


def _places(decisions: pa.Table, ids: list[str]) -> tuple[Integers, Integers, tuple[str, ...]]:
    """Row of the trade and column of the gate of each decision; the gates as they come, COMBINED last."""
    signal = pc.index_in(decisions["trade_id"], value_set=pa.array(ids, pa.string()))
    if signal.null_count:
        missing = decisions.filter(pc.is_null(signal))["trade_id"]
        raise InvalidInput(
            f"{len(pc.unique(missing))} trades that gates judged are not in the ledger"
            f" ({pc.min(missing).as_py()!r}).",
            "Judge the ledger that is given.",
        )
    gates = tuple(sorted(pc.unique(decisions["gate"]).to_pylist(), key=lambda gate: gate == COMBINED))
    gate = pc.index_in(decisions["gate"], value_set=pa.array(gates, pa.string()))
    return (
        np.asarray(signal.to_numpy(), dtype=np.int64),
        np.asarray(gate.to_numpy(), dtype=np.int64),
        gates,
    )


def _modes(decisions: pa.Table, gates: tuple[str, ...]) -> tuple[str, ...]:
    if "mode" not in decisions.column_names:
        return (ADVISORY,) * len(gates)
    newest = dict(zip(decisions["gate"].to_pylist(), decisions["mode"].to_pylist(), strict=True))
    return tuple(newest[gate] or ADVISORY for gate in gates)
