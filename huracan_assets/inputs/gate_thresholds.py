"""What gates ask for on a night: their settings, and thresholds as nights before have moved them."""

from datetime import date
from typing import Any

from huracan.gates.contract import SettingsByName
from huracan.gates.roster import gate_kinds
from huracan.gates.worth.carried import Thresholds, settings_in_force
from huracan_assets.inputs.file_names import THRESHOLDS_FILE
from huracan_assets.inputs.windows import nights_in_force
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import StageContext
from huracan_resources.settings.settings import Settings, plain

THRESHOLDS_IN_FORCE = Read(
    "gate_stats",
    key="thresholds_in_force",
    days=nights_in_force,
    ends=-1,
    edge=False,
    is_record=True,
    may_lack_days=True,
)
"""What the nights left whose gates judge signals of the day; a night without it moved nothing."""


def configured_gates(settings: Settings) -> dict[str, Any]:
    """Dotted name -> plain value of every setting of every gate, as they are configured."""
    return {key: plain(value) for key, value in settings.deciding("gates").items()}


def gate_settings(inputs: Inputs, context: StageContext, night: date | None) -> SettingsByName:
    """Those of all gates, with the thresholds moved as `night` left them, of THRESHOLDS_IN_FORCE; where it is
    None, as the partition's own day did, of its `gate_stats`."""
    settings, key = context.settings, "gate_stats" if night is None else THRESHOLDS_IN_FORCE.name
    day = night or context.day
    if settings.gate_worth.adopts == "nothing" or not inputs.holds(key, day, THRESHOLDS_FILE):
        return settings.gates
    content = inputs.file_of_day(key, day, THRESHOLDS_FILE)
    assert content is not None  # the day holds it
    kinds, left = gate_kinds(), Thresholds.from_bytes(content)
    gates = {name: settings.gates[name] for name in kinds}
    return settings_in_force(gates, left, configured_gates(settings), kinds)
