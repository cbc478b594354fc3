"""All settings of one night, from defaults, profiles, environment and the command line.

How they are read belongs in `sources`; what the domain's sections mean, in the domain.
"""

import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Literal, Protocol, Self

from pydantic import (
    BaseModel,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from huracan.agent.config import TrainingConfig
from huracan.analysis.patterns.config import PatternConfig
from huracan.analysis.trades.config import TradeAnalysisConfig
from huracan.candles.limits import CandleLimits
from huracan.candles.schema import Timeframe
from huracan.durations import MINUTES_PER_DAY, minute_of_day, minutes_of
from huracan.errors import InvalidInput
from huracan.gates.roster import gate_kinds
from huracan.gates.worth.config import GateWorthConfig
from huracan.market.costs import DEAREST, CostAssumptions
from huracan.market.paper.exploring.rates import ExplorationConfig
from huracan.market.rules import TradingRules
from huracan.models.config import ModelConfig
from huracan.promotion.procedure import MAKES_BRAINS
from huracan.promotion.settings import PromotionConfig
from huracan.regimes.model import RegimeConfig
from huracan.units import WHOLE_BPS
from huracan_resources.candle_sources import candle_sources
from huracan_resources.settings.by_decisions import Values
from huracan_resources.settings.kinds import fields_of, without_none
from huracan_resources.settings.retention import Retention
from huracan_resources.settings.secrets import without_password
from huracan_resources.settings.sections import (
    Alerts,
    DatabaseSection,
    Mode,
    OpenSection,
    Schedule,
    Section,
    Signing,
    Storage,
    Universe,
    Web,
)
from huracan_resources.settings.sources import Layers, gather, nested

DOMAIN_SECTIONS = (*MAKES_BRAINS, "source", "promotion")
"""The sections that decide what a night computes; the others only say where things lie and who is told."""


class _HasSettings(Protocol):
    @property
    def settings(self) -> type[Any]: ...


def _sections(kinds: Mapping[str, _HasSettings]) -> dict[str, tuple[Any, Any]]:
    """A section of its own for each of `kinds`."""
    return {name: (kind.settings, Field(default_factory=kind.settings)) for name, kind in kinds.items()}


class Source(OpenSection):
    """Where candles come from: of the sources' own sections only the one that `kind` names is used."""

    kind: str = "simulated"
    """Where candles come from, for good: another source wants another home."""

    @classmethod
    def declared(cls) -> Mapping[str, tuple[Any, Any]]:
        kinds, default = candle_sources(), cls.model_fields["kind"].default
        return {"kind": (Literal[tuple(kinds)], default), **_sections(kinds)}


@contextmanager
def _named(setting: str) -> Iterator[None]:
    """What is refused inside names the setting."""
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(f"{setting}: {error.what}", error.remedy) from None


class Market(Section):
    """How often is decided and by whom, what trading costs, and by what rules the shadow ledger trades."""

    decision_timeframe: str | None = None
    """How long a bar is at whose close the policy decides; not set: as long as those that are stored."""
    handover: str = "04:00"
    """When, UTC, the night's new brain takes over from that of the night before."""
    costs: CostAssumptions = Field(default_factory=CostAssumptions)
    rules: TradingRules = Field(default_factory=TradingRules)

    @field_validator("decision_timeframe")
    @classmethod
    def _timeframe_is_known(cls, timeframe: str | None) -> str | None:
        with _named("market.decision_timeframe"):
            return timeframe and Timeframe(timeframe).name

    @field_validator("handover")
    @classmethod
    def _is_a_time_of_day(cls, handover: str) -> str:
        with _named("market.handover"):
            minute_of_day(handover)
        return handover

    @field_validator("costs")
    @classmethod
    def _can_be_tried_dearer(cls, costs: CostAssumptions) -> CostAssumptions:
        """The scenarios of every night try them doubled; what cannot be is said here and not at night."""
        if costs.worst_side_bps * DEAREST >= WHOLE_BPS:
            raise InvalidInput(
                f"With market.costs at {DEAREST:g} times, as scenarios try them, one side of a trade could"
                f" cost {costs.worst_side_bps * DEAREST:g} bps.",
                "Keep fee, half-spread and largest slippage, times the multiplier, together below"
                f" {WHOLE_BPS / DEAREST:g} bps.",
            )
        return costs


class Gates(OpenSection):
    """What each gate asks of a signal, in a section of its name; explained in the gate's own file."""

    @classmethod
    def declared(cls) -> Mapping[str, tuple[Any, Any]]:
        return _sections(gate_kinds())


class Settings(Section):
    """Everything a night needs to know. Frozen; made by `load_settings`."""

    mode: Mode = "shadow"
    universe: Universe = Universe()
    source: Source = Field(default_factory=lambda: Source.complete()())
    candles: CandleLimits = Field(default_factory=CandleLimits)
    regimes: RegimeConfig = Field(default_factory=RegimeConfig)
    market: Market = Market()
    exploration: ExplorationConfig = Field(default_factory=ExplorationConfig)
    training: TrainingConfig = Field(default_factory=TrainingConfig)
    models: ModelConfig = Field(default_factory=ModelConfig)
    gates: Gates = Field(default_factory=lambda: Gates.complete()())
    gate_worth: GateWorthConfig = Field(default_factory=GateWorthConfig)
    analysis: TradeAnalysisConfig = Field(default_factory=TradeAnalysisConfig)
    patterns: PatternConfig = Field(default_factory=PatternConfig)
    promotion: PromotionConfig = Field(default_factory=PromotionConfig)
    storage: Storage = Field(default_factory=Storage)
    database: DatabaseSection = DatabaseSection()
    alerts: Alerts = Alerts()
    signing: Signing = Signing()
    schedule: Schedule = Schedule()
    web: Web = Web()
    retention: Retention = Field(default_factory=Retention)

    _layers: Layers = PrivateAttr(default_factory=Layers)

    @model_validator(mode="after")
    def _redenominations_fit_the_universe(self) -> Self:
        declared, minutes = self.candles.redenominations, Timeframe(self.universe.timeframe).minutes
        self.universe.refuse_other_spellings("candles.redenominations", (each.symbol for each in declared))
        for each in declared:
            if each.moment_ms % (minutes * 60_000):
                raise InvalidInput(
                    f"The redenomination of {each.symbol} at {each.moment:%Y-%m-%d %H:%M:%S} is at no bar's"
                    f" open of {self.universe.timeframe}.",
                    "Give the open of the first bar in new units.",
                )
        return self

    @model_validator(mode="after")
    def _models_look_back_beyond_the_longest_holding(self) -> Self:
        days, holding = self.models.trailing_days, self.market.rules.maximum_holding
        if days * MINUTES_PER_DAY <= minutes_of(holding):
            raise InvalidInput(
                f"models.trailing_days is {days}, no longer than market.rules.maximum_holding, {holding}: a"
                " signal waits for so long before a model learns from it, and none would be left.",
                f"Set models.trailing_days to {minutes_of(holding) // MINUTES_PER_DAY + 1} or more, or"
                " shorten the holding.",
            )
        return self

    @model_validator(mode="after")
    def _decisions_are_of_whole_bars(self) -> Self:
        detail, decision = Timeframe(self.universe.timeframe), self.decision_timeframe
        if decision.minutes % detail.minutes:
            raise InvalidInput(
                f"market.decision_timeframe is {decision.name}, which is no multiple of universe.timeframe,"
                f" {detail.name}.",
                "Give a multiple, or let it be: then every stored bar is decided on.",
            )
        if minute_of_day(self.market.handover) % decision.minutes:
            raise InvalidInput(
                f"market.handover is {self.market.handover}, at which no decision bar of {decision.name}"
                " closes.",
                f"Give a time that is a multiple of {decision.name} after 00:00.",
            )
        return self

    @model_validator(mode="after")
    def _positions_last_for_decisions_and_can_be_learned_from(self) -> Self:
        holding, decision = self.market.rules.maximum_holding, self.decision_timeframe
        if minutes_of(holding) < decision.minutes:
            raise InvalidInput(
                f"market.rules.maximum_holding is {holding}, shorter than a decision bar of {decision.name}.",
                f"Set it to {decision.name} or more, or decide more often (market.decision_timeframe).",
            )
        self.training.check_holding(holding)
        return self

    @property
    def decision_timeframe(self) -> Timeframe:
        """The bars at whose close the policy decides."""
        return Timeframe(self.market.decision_timeframe or self.universe.timeframe)

    @property
    def layers(self) -> Layers:
        """What everybody said, of which these settings were made."""
        return self._layers

    def digest(self, *sections: str) -> str:
        """SHA-256 over the domain's settings, or over those in `sections` only: names such as `market`, or of
        a single setting, `market.decision_timeframe`.

        Free of secrets and of places, so that two machines with the same settings agree.
        """
        lines = {key: plain(value) for key, value in self.deciding(*sections).items()}
        return hashlib.sha256(json.dumps(lines, sort_keys=True).encode()).hexdigest()

    def deciding(self, *sections: str) -> dict[str, Any]:
        """Dotted key to value of the settings behind `digest`."""
        chosen, outside = sections or DOMAIN_SECTIONS, _outside_digest(self.source.kind)
        found = {
            key: value
            for key, value in _leaves(self, "")
            if _is_in(key, chosen) and key not in outside and self._is_used(key)
        }
        if _DECISIONS in found:  # what is not set and what is set to the stored bars are one
            found[_DECISIONS] = self.decision_timeframe.name
        return found

    def _is_used(self, key: str) -> bool:
        """Whether a setting of the source belongs to the source that is in use."""
        parts = key.split(".")
        return parts[0] != "source" or parts[1] in ("kind", self.source.kind)


_DECISIONS = "market.decision_timeframe"


def _is_in(key: str, chosen: Collection[str]) -> bool:
    """Whether a setting, or a section that it lies in, is among the `chosen`."""
    parts = key.split(".")
    return any(".".join(parts[:count]) in chosen for count in range(1, len(parts) + 1))


def _outside_digest(source: str) -> set[str]:
    """Settings inside domain sections that change no result: how far back history goes is seen in the inputs,
    when a symbol left the universe in the candles; of the candle source in use its secrets and what it says
    changes no candle."""
    kind = candle_sources()[source]
    known = fields_of(kind.settings) or {}
    secrets = [name for name in known if without_none(known[name]) is SecretStr]
    of_source = (f"source.{source}.{name}" for name in (*secrets, *kind.changes_no_candle))
    return {"universe.first_day", "universe.membership", *of_source}


def load_settings(
    overrides: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """The settings in force: defaults, base.yaml, the profile, the home's own, the environment, `overrides`.

    `overrides` goes by dotted key (`{"source.kind": "files"}`); `environ` replaces os.environ in tests.
    `InvalidInput` names the file or variable of an unknown key or a wrong value.
    """
    layers = gather(Settings, os.environ if environ is None else environ, overrides)
    values = layers.values
    try:
        settings = Settings.model_validate(nested(values))
    except ValidationError as error:
        raise _as_ours(error, values) from error
    except InvalidInput as error:
        raise _located(error, layers.said) from error
    settings._layers = layers
    return settings


def explain(settings: Settings) -> list[tuple[str, str, str]]:
    """(dotted key, value as shown, where it came from) of every setting; secrets are stars."""
    origins = {key: origin for key, (_, origin) in settings.layers.values.items()}
    return [(key, shown(value), origins.get(key, "default")) for key, value in _leaves(settings, "")]


def _leaves(value: Any, lead: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, BaseModel):
        names = list(type(value).model_fields)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
    else:
        yield lead.removesuffix("."), value
        return
    for name in names:
        yield from _leaves(getattr(value, name), f"{lead}{name}.")


def plain(value: Any) -> Any:
    """A setting as JSON and YAML have it: mappings, lists, numbers and text. No secret is."""
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, SecretStr):
        raise TypeError("a secret is no part of a digest")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain(dataclasses.asdict(value))
    if isinstance(value, BaseModel):
        return plain(value.model_dump())
    return str(value) if isinstance(value, date | Path) else value


def shown(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, SecretStr):
        return "********"
    if isinstance(value, Mapping):
        return json.dumps(plain(value)) if value else "none"
    if dataclasses.is_dataclass(value):
        return json.dumps(plain(value))
    if isinstance(value, tuple | list):
        return ", ".join(shown(item) for item in value) or "none"
    return without_password(str(value))


def _as_ours(error: ValidationError, values: Values) -> InvalidInput:
    """One line about the first wrong value, without the value itself where it may be a secret."""
    first = error.errors(include_url=False, include_context=False)[0]
    path = [str(part) for part in first["loc"]]
    key = next((k for n in range(len(path), 0, -1) if (k := ".".join(path[:n])) in values), ".".join(path))
    origin = values[key][1] if key in values else "default"
    said = re.sub(r" for <class .*?>", "", first["msg"]).lower().replace("valid tuple", "list")
    within = ", ".join(part for part in path[key.count(".") + 1 :] if part != "[key]")
    at = f" ({within})" if within else ""
    return InvalidInput(f"{origin}: the setting {key} is wrong{at}: {said}.", "Correct it there.")


def _located(error: InvalidInput, values: Values) -> InvalidInput:
    """The same with who said so, where it names a setting that somebody set."""
    for names in ({key: key for key in values}, {key: key.rpartition(".")[2] for key in values}):
        said = [key for key, name in names.items() if re.search(rf"\b{re.escape(name)}\b", error.what)]
        if said:
            return InvalidInput(f"{values[said[0]][1]}: {error.what}", error.remedy)
    return error
