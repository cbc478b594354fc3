"""The gates of the nights whose brains decide on a day, fitted on what was known by each."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from huracan.gates.contract import Gate
from huracan.gates.roster import fit_gates
from huracan.market.handover import as_date
from huracan_assets.inputs.gate_context import PAST_MARKET, gate_context
from huracan_assets.inputs.gate_thresholds import THRESHOLDS_IN_FORCE
from huracan_assets.inputs.in_force import models_in_force
from huracan_assets.inputs.past_trades import TRAILING_EXPLORED, TRAILING_TRADES, explored_key
from huracan_assets.inputs.windows import trailing_days_of_older_nights
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import StageContext

PAST = "past"
_OLDER: dict[str, Any] = {"days": trailing_days_of_older_nights, "ends": -1, "edge": False}
_MODELS = ("confidence_model", "meta_label_model", "conformal_model", "pattern_library")


def reads_of_gates(*, need_models: bool = True) -> tuple[Read, ...]:
    """What those gates were fitted on and ask for, beside the read of the ledger of the day, which names the
    features. Without the need of models gates abstain where the night's failed, as whoever runs its brain
    would have them do."""
    return (
        replace(TRAILING_TRADES, key=PAST, optional=True, **_OLDER),
        replace(TRAILING_EXPLORED, key=explored_key(PAST), **_OLDER),
        *(replace(each, days=trailing_days_of_older_nights, ends=-1) for each in PAST_MARKET),
        *(read for model in _MODELS for read in models_in_force(model, is_needed=need_models)),
        THRESHOLDS_IN_FORCE,
    )


def gates_in_force(
    inputs: Inputs, context: StageContext, nights: Iterable[int], names: Collection[str]
) -> dict[int, dict[str, Gate]]:
    """Night in days since 1970 -> its gates of these names, in the order in which they judge."""
    return {
        night: fit_gates(gate_context(inputs, context, as_date(night), PAST), names)
        for night in sorted(set(nights))
    }
