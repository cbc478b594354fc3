"""Which gates there are, in which order they judge, and all of them fitted. No gate is named here."""

from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from functools import cache
from typing import Any

from huracan.errors import InvalidInput
from huracan.gates.contract import COMBINED, Gate, GateContext, GateKind, SettingsByName
from huracan.gates.settings import BINDING, GateSettings, Mode
from huracan.registry import Registry

GATES = Registry("huracan.gates", "huracan.gates")


@cache
def gate_kinds() -> Mapping[str, GateKind[Any]]:
    """Name of each gate -> its declaration, in the order in which they judge.

    Of this package and of every package registered under `huracan.gates`. `InvalidInput` for two gates of a
    name, a gate whose file has another name, and settings that are not those of a gate.
    """
    found: dict[str, GateKind[Any]] = {}
    for kind in GATES.parts(GateKind):
        module = kind.fit.__module__
        if module.rpartition(".")[2] != kind.name or kind.name == COMBINED:
            raise InvalidInput(
                f"{module} declares the gate {kind.name}.",
                f"Fit it in a file {kind.name}.py, and call it anything but {COMBINED!r}.",
            )
        if not issubclass(kind.settings, GateSettings):
            raise InvalidInput(
                f"The settings of the gate {kind.name} are not those of a gate.",
                f"Derive {kind.settings.__name__} from GateSettings.",
            )
        if kind.threshold not in {None, *(each.name for each in fields(kind.settings))}:
            raise InvalidInput(
                f"The gate {kind.name} has no setting {kind.threshold!r}, by which its threshold would move.",
                "Declare one of its settings as its threshold, or none.",
            )
        if kind.name in found:
            other = found[kind.name].fit.__module__
            raise InvalidInput(f"{module} and {other} both declare {kind.name}.", "Rename one of them.")
        found[kind.name] = kind
    return dict(sorted(found.items(), key=lambda each: (each[1].order, each[0])))


def modes_of(settings: SettingsByName) -> dict[str, Mode]:
    """Name of each gate that is on -> its mode, in the order in which they judge."""
    modes = {name: settings[name].mode for name in gate_kinds()}
    return {name: mode for name, mode in modes.items() if mode != "off"}


def binding_of(settings: SettingsByName) -> tuple[str, ...]:
    """The gates that bind, in the order in which they judge."""
    return tuple(name for name, mode in modes_of(settings).items() if mode == BINDING)


def thresholds_of() -> dict[str, str]:
    """Name of each gate whose threshold moves with a setting -> that setting, such as
    `gates.cost.buffer_bps`."""
    return {name: f"gates.{name}.{kind.threshold}" for name, kind in gate_kinds().items() if kind.threshold}


def fit_gates(context: GateContext[SettingsByName], names: Collection[str] | None = None) -> dict[str, Gate]:
    """Every gate that is on, or those of them that are named, by name, fitted for the day after `context`;
    each is shown its own settings."""
    if context.facts.num_rows != context.past.trades.num_rows:
        raise InvalidInput(
            f"There are facts of {context.facts.num_rows} past trades, and {context.past.trades.num_rows}"
            " trades.",
            "Give those of `facts_of` these trades.",
        )
    kinds, settings = gate_kinds(), context.settings
    wanted = [name for name in modes_of(settings) if names is None or name in names]
    return {name: kinds[name].fit(replace(context, settings=settings[name])) for name in wanted}


def describe_gates(gates: Mapping[str, Gate]) -> dict[str, object]:
    """What the bundle keeps about the gates of `fit_gates`, in order, as plain JSON values."""
    described = {name: {"why": gate_kinds()[name].why, **gate.describe()} for name, gate in gates.items()}
    return {"order": list(gates), "gates": described}
