"""Where settings come from: profiles, environment, the console. Merging them, and who said what.

Which settings there are belongs in `settings` and `sections`.
"""

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, SecretStr

from huracan.errors import InvalidInput
from huracan_resources.settings import secrets
from huracan_resources.settings.sections import OpenSection

OVERRIDE = "HURACAN__"
"""Begins the name of a variable that sets one value: HURACAN__SECTION__KEY."""

NAMED_VARIABLES = {
    "HURACAN_MODE": "mode",
    "HURACAN_HOME": "storage.home",
    "DATABASE_URL": "database.url",
    "HURACAN_ALERT_URLS": "alerts.urls",
    "HURACAN_SIGNING_KEY": "signing.private_key",
    "HURACAN_EXCHANGE_API_KEY": "source.ccxt.api_key",
    "HURACAN_EXCHANGE_SECRET": "source.ccxt.secret",
}
"""Variables with a name of their own, and the setting that each stands for."""

Values = dict[str, tuple[Any, str]]
"""Dotted key to (value, where it came from)."""


def gather(model: type[BaseModel], environ: Mapping[str, str], overrides: Mapping[str, Any] | None) -> Values:
    """All values that anybody set, the later source winning: base, profile, environment, console."""
    values: Values = {}
    for variable in secrets.VARIABLES:
        secrets.remember(environ.get(variable))
    for path in profile_files(environ):
        shown = f"{path.parent.name}/{path.name}"
        values |= _checked(model, _read_yaml(path), f"{shown}", str(path))
    for name, key in NAMED_VARIABLES.items():
        if environ.get(name):
            if _is_secret(_kind_at(model, key)):
                secrets.remember(environ[name])
            values[key] = (_spread(model, key, environ[name]), f"environment {name}")
    for name in sorted(environ):
        if name.startswith(OVERRIDE):
            key = ".".join(part.lower() for part in name[len(OVERRIDE) :].split("__"))
            values |= _checked(
                model, _nest(key, _parse(model, key, environ[name])), f"environment {name}", name
            )
    for key, value in (overrides or {}).items():
        values |= _checked(model, _nest(key, value), "command line", "the command line")
    return values


def profile_files(environ: Mapping[str, str]) -> list[Path]:
    """base.yaml and the profile that HURACAN_ENV picks (`local` if unset), where they exist."""
    given = environ.get("HURACAN_CONFIG_DIR")
    beside = Path(__file__).resolve().parents[2] / "config"
    folder = Path(given) if given else beside if beside.is_dir() else Path("config")
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
            f"Profiles: {known}.",
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


def _checked(kind: Any, tree: Mapping[str, Any], origin: str, where: str) -> Values:
    return {key: (value, origin) for key, value in _leaves(kind, tree, "", where)}


def _leaves(kind: Any, tree: Mapping[str, Any], lead: str, where: str) -> Iterator[tuple[str, Any]]:
    """Each single value with its dotted key; an unknown key is refused with the nearest known one."""
    known = fields_of(kind) or {}
    for name, value in tree.items():
        if name not in known:
            raise _unknown(lead, str(name), known, where)
        inner = fields_of(known[name])
        if inner is None:
            if _is_secret(known[name]):
                secrets.remember(value)
            yield f"{lead}{name}", value
        elif isinstance(value, Mapping):
            yield from _leaves(known[name], value, f"{lead}{name}.", where)
        elif value is not None:
            raise InvalidInput(
                f"{where}: {lead}{name} is a section, not a single value.", f"It holds {', '.join(inner)}."
            )


def _is_secret(kind: Any) -> bool:
    kind = without_none(kind)
    return kind is SecretStr or SecretStr in typing.get_args(kind)


def _unknown(lead: str, name: str, known: Mapping[str, Any], where: str) -> InvalidInput:
    """With the nearest setting of the section, or of one inside it: `cost_buffer` may mean `cost.buffer`."""
    deeper = [f"{section}.{inner}" for section in known for inner in fields_of(known[section]) or ()]
    near = difflib.get_close_matches(name, [*known, *deeper], n=1, cutoff=0.5)
    hint = f"Did you mean {lead}{near[0]}?" if near else f"Known: {', '.join(known) or 'nothing below that'}."
    return InvalidInput(f"{where}: the setting {lead}{name} is unknown.", hint)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidInput(f"{path}, line {line}: {error.problem}.", "Correct the YAML there.") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidInput(f"{path} could not be read as YAML ({error}).", "Correct that file.") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise InvalidInput(f"{path}, line 1: the file is not a mapping.", "Write `section:` lines.")
    return content


def _kind_at(model: Any, key: str) -> Any:
    kind: Any = model
    for name in key.split("."):
        kind = (fields_of(kind) or {}).get(name)
    return without_none(kind)


def _parse(model: type[BaseModel], key: str, text: str) -> Any:
    """The value in a variable: text stays text, anything else is read as YAML (so JSON works too)."""
    kind = _kind_at(model, key)
    if kind in (str, SecretStr, Path):
        return text
    try:
        parsed = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    return _spread(model, key, parsed) if isinstance(parsed, str) else parsed


def _spread(model: type[BaseModel], key: str, text: str) -> Any:
    """`a, b` for a setting that is a list."""
    if typing.get_origin(_kind_at(model, key)) not in (tuple, list):
        return text
    return [part.strip() for part in text.split(",") if part.strip()]


def _nest(key: str, value: Any) -> dict[str, Any]:
    tree = value
    for name in reversed(key.split(".")):
        tree = {name: tree}
    return dict(tree)
