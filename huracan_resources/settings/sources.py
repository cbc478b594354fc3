"""Where settings come from: profiles, the home, environment, the console. Merging them, and who said what.

Which settings there are belongs in `settings` and `sections`.
"""

import dataclasses
import difflib
import re
import types
import typing
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from huracan.errors import InvalidInput
from huracan_resources.settings import secrets
from huracan_resources.settings.sections import OpenSection, default_home
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

_A_NAME = re.compile(r"[a-z0-9_]{1,40}")
"""What may be a misspelt setting; what stands in its place and looks otherwise may be a secret."""

_HOME_KEY = "storage.home"

PROFILES = Path(__file__).with_name("profiles")

Values = dict[str, tuple[Any, str]]
"""Dotted key to (value, where it came from)."""


@dataclasses.dataclass(frozen=True)
class Origin:
    """Who says something: as it is shown beside a setting, as an error names it, and the lines of keys."""

    shown: str
    where: str
    lines: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def of(self, key: str) -> str:
        return self.shown + self._line(key)

    def refusing(self, key: str) -> str:
        return self.where + self._line(key)

    def _line(self, key: str) -> str:
        return f", line {self.lines[key]}" if key in self.lines else ""


@dataclasses.dataclass(frozen=True)
class Layers:
    """All values that anybody set, by who did: base and profile, the home's own profile, environment and
    console. The later wins."""

    profiles: Values = dataclasses.field(repr=False)
    home: Values = dataclasses.field(repr=False)
    above: Values = dataclasses.field(repr=False)

    @property
    def values(self) -> Values:
        return self.profiles | self.home | self.above


def gather(model: type[BaseModel], environ: Mapping[str, str], overrides: Mapping[str, Any] | None) -> Layers:
    """What everybody said, each on its own."""
    for variable in secrets.VARIABLES:
        secrets.remember(environ.get(variable))
    profiles: Values = {}
    for path in profile_files(environ):
        profiles |= _in_file(model, path)
    above = _above(model, environ, overrides)
    return Layers(profiles, _of_home(model, (profiles | above).get(_HOME_KEY)), above)


def _in_file(model: type[BaseModel], path: Path) -> Values:
    document = _read_file(path)
    origin = Origin(f"{path.parent.name}/{path.name}", str(path), document.lines)
    return _checked(model, document.value, origin)


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
            values |= _checked(model, _nest(key, environ[name]), origin)
    for name in sorted(environ):
        if name.startswith(OVERRIDE):
            key = ".".join(part.lower() for part in name[len(OVERRIDE) :].split("__"))
            origin = Origin(f"environment {name}", name)
            values |= _checked(model, _nest(key, _parse(model, key, environ[name], name)), origin)
    for key, value in (overrides or {}).items():
        values |= _checked(model, _nest(key, value), Origin("command line", "the command line"))
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


def fields_of(kind: Any) -> dict[str, Any] | None:
    """Name to type of the settings in a section; None if `kind` is a single value."""
    kind = without_none(kind)
    if isinstance(kind, type) and issubclass(kind, OpenSection):
        kind = kind.complete()
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return {name: field.annotation for name, field in kind.model_fields.items()}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return {field.name: hints[field.name] for field in dataclasses.fields(kind)}
    return None


def without_none(kind: Any) -> Any:
    """The type itself of an optional one."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        rest = [argument for argument in typing.get_args(kind) if argument is not type(None)]
        return rest[0] if len(rest) == 1 else kind
    return kind


def _checked(kind: Any, tree: Mapping[str, Any], origin: Origin) -> Values:
    return {key: (value, origin.of(key)) for key, value in _leaves(kind, tree, "", origin)}


def _leaves(kind: Any, tree: Mapping[str, Any], lead: str, origin: Origin) -> Iterator[tuple[str, Any]]:
    """Each single value with its dotted key; an unknown key is refused with the nearest known one."""
    known = fields_of(kind) or {}
    for name, value in tree.items():
        key = f"{lead}{name}"
        if name not in known:
            raise _unknown(lead, str(name), known, origin.refusing(key))
        inner = fields_of(known[name])
        if inner is None:
            if _is_secret(known[name]):
                secrets.remember(value)
            _refuse_guesses(known[name], value, f"{origin.refusing(key)}: the setting {key}")
            yield key, _listed(known[name], value)
        elif isinstance(value, Mapping):
            yield from _leaves(known[name], value, f"{key}.", origin)
        elif value is not None:
            raise InvalidInput(
                f"{origin.refusing(key)}: {key} is a section, not a single value.",
                f"It holds {', '.join(inner)}.",
            )


def _refuse_guesses(kind: Any, value: Any, named: str) -> None:
    """What pydantic would take and nobody has meant: a switch for a number, a number for a day."""
    kind = without_none(kind)
    if isinstance(value, Mapping):
        inner, each_of = fields_of(kind) or {}, typing.get_args(kind)[1:]
        for name, each in value.items():
            _refuse_guesses(inner.get(name, each_of[0] if each_of else None), each, f"{named}.{name}")
        return
    if _has_flag(value) and bool not in _kinds_in(kind):
        raise InvalidInput(
            f"{named} cannot be true or false; YAML reads yes, no, on and off as these.",
            "Write a number, or text in quotes.",
        )
    if kind is date and value is not None and not isinstance(value, date):
        day, _, time = str(value).replace("T", " ").partition(" ")
        try:
            date.fromisoformat(day if "-" in day else "")
        except ValueError:
            raise InvalidInput(f"{named} is no day of the calendar.", "Write it as YYYY-MM-DD.") from None
        if time.strip("0:Z"):
            raise InvalidInput(f"{named} is a day, without a time.", "Write it as YYYY-MM-DD.")


def _has_flag(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_has_flag(each) for each in value)
    return isinstance(value, bool)


def _kinds_in(kind: Any) -> set[Any]:
    """The type itself and those that it is made of."""
    return {kind}.union(*(_kinds_in(each) for each in typing.get_args(kind) if not isinstance(each, str)))


def _is_secret(kind: Any) -> bool:
    kind = without_none(kind)
    return kind is SecretStr or SecretStr in typing.get_args(kind)


def _unknown(lead: str, name: str, known: Mapping[str, Any], where: str) -> InvalidInput:
    """With the nearest setting of the section, or of one inside it: `cost_buffer` may mean `cost.buffer`."""
    deeper = [f"{section}.{inner}" for section in known for inner in fields_of(known[section]) or ()]
    near = difflib.get_close_matches(name, [*known, *deeper], n=1, cutoff=0.5)
    hint = f"Did you mean {lead}{near[0]}?" if near else f"Known: {', '.join(known) or 'nothing below that'}."
    shown = f"{lead}{name}" if _A_NAME.fullmatch(name) else f"{lead}(withheld)"
    return InvalidInput(f"{where}: the setting {shown} is unknown.", hint)


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


def _kind_at(model: Any, key: str) -> Any:
    kind: Any = model
    for name in key.split("."):
        kind = (fields_of(kind) or {}).get(name)
    return without_none(kind)


def _parse(model: type[BaseModel], key: str, text: str, name: str) -> Any:
    """The value in the variable `name`: text stays text, anything else is read as YAML, so JSON works."""
    kind = _kind_at(model, key)
    is_list = text.lstrip().startswith("[")
    if kind in (str, SecretStr, Path) or (_is_secret(kind) and not is_list):
        return text
    if _is_secret(kind):
        secrets.remember(text)
    return read_yaml(text, name).value


def _listed(kind: Any, value: Any) -> Any:
    """`a, b` for a setting that is a list; one secret of a list, for only who uses it knows where it ends."""
    if not isinstance(value, str) or typing.get_origin(without_none(kind)) not in (tuple, list):
        return value
    parts = [value] if _is_secret(kind) else value.split(",")
    return [part.strip() for part in parts if part.strip()]


def _nest(key: str, value: Any) -> dict[str, Any]:
    tree = value
    for name in reversed(key.split(".")):
        tree = {name: tree}
    return dict(tree)
