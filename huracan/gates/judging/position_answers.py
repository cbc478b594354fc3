"""What a gate that judges open positions says of trades that are over: what it would have done by the bar."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.gates.contract import ABSTAIN, PASS, Answer, Answers, Floats, Gate, Tended, as_text, close
from huracan.gates.judging.tending import checked_tended, joined, judges_positions, rows_by_night
from huracan.market.facts.marks import Stood

_NEVER = "Nothing was known of its position at any close."


def tended_by_night(
    gates: Mapping[int, Mapping[str, Gate]], stood: Stood, nights: NDArray[np.int64]
) -> dict[str, Tended]:
    """What every gate that judges positions says of each close, by that of the night in `nights` [closes]
    that was in force then. InvalidInput where the gates of a night are not among `gates`."""
    names = [name for name, gate in next(iter(gates.values()), {}).items() if judges_positions(gate)]
    groups, found = rows_by_night(nights, gates), {}
    for name in names:
        parts = [
            (rows, checked_tended(gates[night][name], name, stood.positions.take(pa.array(rows))))
            for night, rows in groups
        ]
        found[name] = joined(parts, len(nights))
    return found


def answers_of_positions(tended: Tended, stood: Stood, count: int) -> tuple[Answers, Floats]:
    """One answer for each of `count` trades, and [count] the net in bps where its position is left; NaN of
    the others. `tended` is of the closes of `stood`.

    The first close at which the gate would have left the position counts; of one that it never would have,
    that at which it came nearest to it. Of one about which it never spoke the gate abstains.
    """
    moments = stood.positions["moment"].cast(pa.int64()).to_numpy()
    margin = np.where(tended.speaks, tended.value - tended.threshold, np.inf)
    answers, reasons = [ABSTAIN] * count, [_NEVER] * count
    value, threshold, left = (np.full(count, np.nan) for _ in range(3))
    edges = np.searchsorted(stood.trade, np.arange(count + 1))
    for trade, (first, end) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
        if first == end:
            continue
        closes = np.flatnonzero(tended.closes[first:end])
        at = first + int(closes[0] if closes.size else np.argmin(margin[first:end]))
        reasons[trade] = tended.reason[at]
        if not tended.speaks[at]:
            continue
        answers[trade] = _answer(bool(closes.size), int(moments[at]))
        value[trade], threshold[trade] = tended.value[at], tended.threshold[at]
        reasons[trade] = f"At {as_text(int(moments[at]))}: {tended.reason[at]}"
        if closes.size:
            left[trade] = stood.would_net_bps[at]
    return Answers(tuple(answers), value, threshold, tuple(reasons)), left


def left_first(answers: Mapping[str, Answers], left: Mapping[str, Floats], together: Answers) -> Floats:
    """[n] the net in bps where a position is left by the gate that does so first; NaN where none does.
    `left` is by gate, and `together` its combined answers."""
    found = np.full(len(together.answer), np.nan)
    for row, combined in enumerate(together.answer):
        if combined.closes_ms is not None:
            gates = [name for name, own in answers.items() if own.answer[row].closes_ms == combined.closes_ms]
            found[row] = left[gates[0]][row]
    return found


def _answer(closes: bool, moment_ms: int) -> Answer:
    return close(moment_ms) if closes else PASS
