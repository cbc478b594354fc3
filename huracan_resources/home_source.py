"""The source that a home's candles come from: remembered in the home's own profile, and no other let in.

A history of two sources would be refused night by night where they meet; here it is refused before it begins.
"""

import re
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

from huracan.candles.source import SourceIdentity
from huracan.errors import InputRefused, InvalidInput, Unavailable
from huracan_resources.candle_sources import candle_sources
from huracan_resources.folders import make_folder
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.manifest import Manifest
from huracan_resources.lake.whole_file import write_whole
from huracan_resources.resources import Resources
from huracan_resources.settings.by_decisions import Values, decision_timeframe, defaults_at
from huracan_resources.settings.secrets import STARS, without_password
from huracan_resources.settings.settings import Settings, plain, shown
from huracan_resources.settings.sources import home_profile, nested
from huracan_resources.settings.yaml_text import read_yaml

_CANDLES = "ohlcv"
_KIND, _TIMEFRAME = "source.kind", "universe.timeframe"
_HEAD = """\
# Where this home's candles come from, written with the first of them: another source is refused here.
# Any setting may stand in this file. It wins over the profile; variables and the command line win over it.
"""


def refuse_another_source(resources: Resources) -> None:
    """InvalidInput where the settings name another source than the home's own profile, or than the one that
    the newest good candles of its lake come from. Nothing is written and no source is asked."""
    _refuse_contradiction(resources.settings)
    try:
        identity = resources.candle_source.identity
    except InvalidInput:
        return  # settings that do not suffice: whoever asks for candles is told
    _refuse_other_candles(resources, identity)


def remember_source(resources: Resources) -> None:
    """Write the source, and what else makes it the same again, into the home's own profile, if that names
    none yet. No secret is written, and nothing that stands there is changed."""
    settings = resources.settings
    file = home_profile(settings.storage.home)
    before = file.read_text("utf-8") if file.is_file() else ""
    kept = deciding_source(settings)
    if before:
        del kept[_TIMEFRAME]
    lines = yaml.safe_dump(_tree(kept, settings), sort_keys=False, allow_unicode=True)
    text = f"{before.rstrip()}\n\n{lines}" if before else f"{_HEAD}{lines}"
    try:
        read_yaml(text, str(file))
    except InvalidInput:
        return  # it names a source already, or nothing can be put below it
    make_folder(file.parent)
    write_whole(file, text.encode(), file.parent)


def deciding_source(settings: Settings) -> dict[str, Any]:
    """Dotted key to value of all that decides which candles come, secrets aside; paths are absolute."""
    said = settings.deciding("source") | {_TIMEFRAME: settings.universe.timeframe}
    return {
        key: value.resolve() if isinstance(value, Path) else value
        for key, value in said.items()
        if not holds_secret(value)
    }


def holds_secret(value: Any) -> bool:
    """Whether a setting is a secret, or an address with a password in it."""
    if isinstance(value, tuple):
        return any(map(holds_secret, value))
    return isinstance(value, SecretStr) or (isinstance(value, str) and without_password(value) != value)


def named_source(settings: Settings) -> str:
    """The source in one word, as `--source` takes it: `ccxt:kraken`."""
    kind = candle_sources()[settings.source.kind]
    argument = deciding_source(settings).get(f"source.{kind.name}.{kind.argument}")
    return kind.name if argument is None else f"{kind.name}:{shown(argument)}"


def _tree(kept: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """What is not as it would be without a word, as a profile says it."""
    default = deciding_source(Settings.model_validate({"source": {"kind": settings.source.kind}}))
    told = {key: value for key, value in kept.items() if key == _KIND or value != default[key]}
    return nested({key: (plain(value), "") for key, value in told.items()})


def _refuse_contradiction(settings: Settings) -> None:
    layers = settings.layers
    if _KIND not in layers.home:
        return
    said = layers.profiles | layers.above
    own, other = _only_source(layers.home), _only_source(layers.home | said)
    theirs = deciding_source(other)
    for key, value in deciding_source(own).items():
        is_said = key != _TIMEFRAME or key in layers.home
        if is_said and theirs.get(key) != value:
            origin = layers.home.get(key, layers.home[_KIND])[1]
            raise InvalidInput(
                f"{_told(other, key)} ({said[key][1]}) is another candle source than this home's,"
                f" {_told(own, key)} ({origin}).",
                f"Leave that setting out, or {_own_home(settings, named_source(other))}.",
            )


def _only_source(values: Values) -> Settings:
    """Settings of nothing but where candles come from."""
    kept = {key: value for key, value in values.items() if key.startswith("source.") or key == _TIMEFRAME}
    return Settings.model_validate(nested(defaults_at(decision_timeframe(kept)) | kept))


def _told(settings: Settings, key: str) -> str:
    """The source, with the setting `key` where its name does not tell that."""
    kind = candle_sources()[settings.source.kind]
    name = key.rpartition(".")[2]
    is_told = key == _KIND or name == kind.argument
    source = named_source(settings)
    return source if is_told else f"{source} with {name} {shown(deciding_source(settings).get(key, STARS))}"


def _refuse_other_candles(resources: Resources, identity: SourceIdentity) -> None:
    newest, settings = _newest_candles(resources.lake), resources.settings
    if newest is None or newest.source == identity.label:
        return
    layers = settings.layers
    name = newest.source.partition("#")[0]
    if name == identity.name:
        what = f"come from {name} too, but by another {_TIMEFRAME} or source.{settings.source.kind}"
    else:
        origin = layers.values.get(_KIND, ("", "default"))[1]
        what = f"come from {name}, but the settings name {identity.name} ({origin})"
    if _KIND in layers.home or name == identity.name:
        remedy = "Set it back (huracan config show says where it stands)"
    else:
        kind = candle_sources().get(name)
        usage = kind.usage if kind else name
        remedy = f"Say that one (huracan init {usage} writes it down)"
    raise InvalidInput(
        f"The newest candles of this home, {newest.key}, {what}.",
        f"{remedy}, or {_own_home(settings, named_source(settings))}.",
    )


def _own_home(settings: Settings, source: str) -> str:
    word = re.sub(r"\W+", "-", source.rpartition(":")[2]).strip("-")
    return f"give each source a HURACAN_HOME of its own, such as {settings.storage.home}-{word}"


def _newest_candles(lake: Lake) -> Manifest | None:
    """Of the newest day whose candles are good and say where they come from."""
    days: list[date] = []
    with suppress(Unavailable):  # whoever goes on to read it is told
        days = lake.days(_CANDLES)
    for day in reversed(days):
        with suppress(InputRefused):  # damaged: whoever reads it is told
            manifest = lake.manifest(_CANDLES, day)
            if manifest is not None and manifest.source and not manifest.failed_verdicts:
                return manifest
    return None
