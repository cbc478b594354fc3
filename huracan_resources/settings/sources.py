"""Where settings come from: profiles, the home, environment, the console. Merging them, and who said what.

Which settings there are belongs in `settings` and `sections`.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from huracan.errors import InvalidInput
from huracan_resources.settings import secrets
from huracan_resources.settings.by_decisions import (
    Values,
    chosen,
    decision_timeframe,
    defaults_at,
)
from huracan_resources.settings.checked import Origin, checked
from huracan_resources.settings.kinds import is_secret, type_at, without_none
from huracan_resources.settings.sections import default_home
from huracan_resources.settings.yaml_text import Document, read_yaml

OVERRIDE = "HURACAN__"
"""Begins the name of a variable that sets one value: HURACAN__SECTION__KEY."""

NAMED_VARIABLES = {
    "HURACAN_MODE": "mode",
    "HURACAN_HOME": "storage.home",
    "DATABASE_URL": "database.url",
    "DATABASE_READER_URL": "database.reader_url",
    "HURACAN_ALERT_URLS": "alerts.urls",
    "HURACAN_SIGNING_KEY": "signing.private_key",
    "HURACAN_EXCHANGE_API_KEY": "source.ccxt.api_key",
    "HURACAN_EXCHANGE_SECRET": "source.ccxt.secret",
}
"""Variables with a name of their own, and the setting that each stands for."""

_HOME_KEY = "storage.home"

PROFILES = Path(__file__).with_name("profiles")


@dataclasses.dataclass(frozen=True)
class Layers:
    """All values that anybody set, by who did: base and profile, the home's own profile, environment and
    console. The later wins. Below them all lie the defaults that depend on how often is decided."""

    profiles: Values = dataclasses.field(default_factory=dict, repr=False)
    home: Values = dataclasses.field(default_factory=dict, repr=False)
    above: Values = dataclasses.field(default_factory=dict, repr=False)
    defaults: Values = dataclasses.field(default_factory=dict, repr=False)

    @property
    def said(self) -> Values:
        return self.profiles | self.home | self.above

    @property
    def values(self) -> Values:
        return self.defaults | self.said


def gather(model: type[BaseModel], environ: Mapping[str, str], overrides: Mapping[str, Any] | None) -> Layers:
    """What everybody said, each on its own."""
    for variable in secrets.VARIABLES:
        secrets.remember(environ.get(variable))
    profiles = [_in_file(model, path) for path in profile_files(environ)]
    above = _above(model, environ, overrides)
    home = _of_home(model, _merged([*profiles, above]).get(_HOME_KEY))
    timeframe = decision_timeframe(_merged([*profiles, home, above]))
    at_it = [chosen(layer, timeframe) for layer in profiles]
    return Layers(_merged(at_it), chosen(home, timeframe), chosen(above, timeframe), defaults_at(timeframe))


def _merged(layers: Sequence[Values]) -> Values:
    return reduce(or_, layers, {})


def _in_file(model: type[BaseModel], path: Path) -> Values:
    document = _read_file(path)
    origin = Origin(f"{path.parent.name}/{path.name}", str(path), document.lines)
    return checked(model, document.value, origin)


def _of_home(model: type[BaseModel], said: tuple[Any, str] | None) -> Values:
    """What stands in the profile of the home that the other layers name."""
    if said is not None and not isinstance(said[0], str | Path):
        return {}  # no path: refused when it is read as one
    path = home_profile(default_home() if said is None else Path(said[0]).expanduser().resolve())
    with suppress(OSError):  # a home that cannot be entered is told of by whoever needs it
        if path.is_file():
            values = _in_file(model, path)
            if _HOME_KEY in values:
                raise InvalidInput(
                    f"{values[_HOME_KEY][1]}: {_HOME_KEY} cannot stand in the home's own profile, which is"
                    " found by it.",
                    "Remove it there and set HURACAN_HOME.",
                )
            return values
    return {}


def home_profile(home: Path) -> Path:
    """The file of the home's own settings, which win over the profile that HURACAN_ENV picks."""
    return home / "huracan.yaml"


def _above(model: type[BaseModel], environ: Mapping[str, str], overrides: Mapping[str, Any] | None) -> Values:
    values: Values = {}
    for name, key in NAMED_VARIABLES.items():
        if environ.get(name):
            origin = Origin(f"environment {name}", name)
            values |= checked(model, _nest(key, environ[name]), origin)
    for name in sorted(environ):
        if name.startswith(OVERRIDE):
            key = ".".join(part.lower() for part in name[len(OVERRIDE) :].split("__"))
            origin = Origin(f"environment {name}", name)
            values |= checked(model, _nest(key, _parse(model, key, environ[name], name)), origin)
    for key, value in (overrides or {}).items():
        values |= checked(model, _nest(key, value), Origin("command line", "the command line"))
    return values


def profile_files(environ: Mapping[str, str]) -> list[Path]:
    """base.yaml and the profile that HURACAN_ENV picks (`local` if unset), where they exist: ours, or those
    of the folder that HURACAN_CONFIG_DIR names."""
    given = environ.get("HURACAN_CONFIG_DIR")
    folder = Path(given) if given else PROFILES
    if given and not folder.is_dir():
        raise InvalidInput(
            f"HURACAN_CONFIG_DIR names {given}, which is not a directory.", "Correct it or unset it."
        )
    profile = environ.get("HURACAN_ENV") or "local"
    chosen = folder / f"{profile}.yaml"
    if not chosen.is_file() and "HURACAN_ENV" in environ:
        known = ", ".join(sorted(p.stem for p in folder.glob("*.yaml") if p.stem != "base")) or "none"
        raise InvalidInput(
            f"HURACAN_ENV asks for the profile {profile!r}, but {chosen} does not exist.",
            f"Profiles: {known}. HURACAN_CONFIG_DIR names a folder of your own.",
        )
    return [path for path in (folder / "base.yaml", chosen) if path.is_file()]


def nested(values: Values) -> dict[str, Any]:
    """The values as the nested mapping that the model validates."""
    tree: dict[str, Any] = {}
    for key, (value, _) in values.items():
        *sections, name = key.split(".")
        branch = tree
        for section in sections:
            branch = branch.setdefault(section, {})
        branch[name] = value
    return tree


def _read_file(path: Path) -> Document:
    try:
        document = read_yaml(path.read_text("utf-8"), str(path))
    except OSError as error:
        raise InvalidInput(f"{path} could not be read ({error.strerror}).", "Check its rights.") from error
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not text in UTF-8.", "Save it as UTF-8.") from None
    if document.value is None:
        return Document({})
    if not isinstance(document.value, dict):
        raise InvalidInput(f"{path}, line 1: the file is not a mapping.", "Write `section:` lines.")
    return document


def _parse(model: type[BaseModel], key: str, text: str, name: str) -> Any:
    """The value in the variable `name`: text stays text, anything else is read as YAML, so JSON works."""
    declared = type_at(model, key)
    kind = without_none(declared)
    if text == "null" and kind is not declared:
        return None
    is_list = text.lstrip().startswith("[")
    if kind in (str, SecretStr, Path) or (is_secret(kind) and not is_list):
        return text
    if is_secret(kind):
        secrets.remember(text)
    return read_yaml(text, name).value


def _nest(key: str, value: Any) -> dict[str, Any]:
    tree = value
    for name in reversed(key.split(".")):
        tree = {name: tree}
    return dict(tree)
