"""Does each gate refuse what it is for, and leave the rest alone? Markets with one harm, and without any.

The gates are those of a night at the settings given, fitted on the days before each judged day alone. What
counts is what they said of the signals of the judged days:

- the oracle refuses the signals that were entered where the plant does harm; it does not know what came of
  them;
- *refused of the oracle's* is the share of those that the gate made for the harm refuses;
- *refused winners* is the share of all signals whose trade made money that this gate refuses, those among the
  oracle's included: a plant in which many win would make it impossible.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.gates.contract import ABSTAIN, BLOCK, COMBINED, SettingsByName, verdict_in
from huracan.models.window import won
from huracan.proof.gate_nights import GateNights, JudgedDay, judged_days
from huracan.proof.gate_plants import Plant
from huracan.proof.gate_proof_settings import GATE_CASES, GATE_OF, NOT_COUNTED, GateProofSettings
from huracan.proof.gate_proof_table import GateProof, GateRow, bar_of
from huracan.proof.planted_candles import PlantedCandles, plant_candles, planted_at
from huracan.proof.proof_table import Bar

Bools = NDArray[np.bool_]


def prove_gates(
    settings: GateProofSettings,
    gates: SettingsByName,
    cases: Sequence[Plant] = GATE_CASES,
    on_row: Callable[[GateRow], None] | None = None,
) -> GateProof:
    """Plays and judges every market of every case; `gates` are the settings of all gates by name, and
    `on_row` hears each market when it is there. The same settings give the same rows."""
    rows: list[GateRow] = []
    bars: list[Bar] = []
    for case in cases:
        found = []
        for index in range(settings.markets):
            config = replace(settings.market, plant=case, seed=settings.first_seed + index)
            market = plant_candles(config)
            row = row_of(market, list(judged_days(market, _nights(case, settings.nights), gates)))
            found.append(row)
            if on_row is not None:
                on_row(row)
        rows += found
        bars.append(bar_of(case, found, settings))
    return GateProof(tuple(rows), tuple(bars))


def _nights(case: Plant, nights: GateNights) -> GateNights:
    """With what the case asks about: patterns and models take most of the time, and only the gates that ask
    them see them."""
    has_patterns = case in ("false_pattern", "none")
    patterns = nights.nights.patterns if has_patterns else None
    return replace(nights, nights=replace(nights.nights, patterns=patterns), has_models=case == "none")


def row_of(market: PlantedCandles, days: Sequence[JudgedDay]) -> GateRow:
    """What the judged days of a market came to."""
    trades = pa.concat_tables([day.trades for day in days])
    decisions = pa.concat_tables([day.decisions for day in days])
    planted, winners = planted_at(market, trades), won(trades)
    names = decisions["gate"].to_numpy(zero_copy_only=False)
    verdicts = np.array([verdict_in(text) for text in decisions["verdict"].to_pylist()])
    blocked = {
        name: verdicts[names == name] == BLOCK.text for name in dict.fromkeys(names) if name != COMBINED
    }
    counted = [name for name in blocked if name != NOT_COUNTED]
    gate = GATE_OF.get(market.config.plant) or max(counted, key=lambda name: float(blocked[name].mean()))
    return GateRow(
        case=market.config.plant,
        seed=market.config.seed,
        gate=gate,
        signals=trades.num_rows,
        planted=int(planted.sum()),
        winners=int(winners.sum()),
        oracle_auc=oracle_auc(planted, winners),
        oracle_winners=_share(planted, winners),
        refused_of_oracle=_share(blocked[gate], planted),
        refused_winners=_share(blocked[gate], winners),
        refused=float(blocked[gate].mean()),
        refused_but_cost=float(np.any([blocked[name] for name in counted], axis=0).mean()),
        abstained=float((verdicts[names == gate] == ABSTAIN.text).mean()),
    )


def oracle_auc(planted: Bools, winners: Bools) -> float:
    """The area under the curve of who ranks what is not `planted` above what is; a half where all won or none
    did."""
    if winners.all() or not winners.any():
        return 0.5
    return float(0.5 + (planted[~winners].mean() - planted[winners].mean()) / 2.0)


def _share(of: Bools, among: Bools) -> float | None:
    return float(of[among].mean()) if among.any() else None
