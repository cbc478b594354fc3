"""`huracan init`: the home's own profile, with what a newcomer changes, as it would be without a word."""

import ast
import inspect
import json
import os
import re
import textwrap
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import pairwise
from typing import Any

import click
import yaml
from pydantic import SecretStr

from huracan.candles.schema import Timeframe
from huracan.errors import InvalidInput
from huracan_console.safe_text import plain as printable
from huracan_resources.candle_sources import candle_sources
from huracan_resources.folders import make_folder
from huracan_resources.home_source import (
    deciding_source,
    holds_secret,
    named_source,
    refuse_another_source,
)
from huracan_resources.lake.whole_file import write_whole
from huracan_resources.resources import Resources
from huracan_resources.settings.kinds import fields_of, without_none
from huracan_resources.settings.settings import Settings, load_settings, plain
from huracan_resources.settings.sources import (
    NAMED_VARIABLES,
    OVERRIDE,
    home_profile,
)

_DECISIONS = "market.decision_timeframe"
CHANGED_MOST = (
    "universe.symbols",
    "universe.timeframe",
    "universe.first_day",
    _DECISIONS,
    "market.costs.taker_fee_bps",
    "market.costs.half_spread_bps",
    "market.rules.starting_cash_usd",
    "market.rules.notional_usd",
    "market.rules.allow_short",
    "training.window_days",
    "training.total_steps",
    "schedule.hour",
    "schedule.is_enabled",
)
_TIMEFRAMES = ("universe.timeframe", _DECISIONS)
_DECIDED_EVERY = Timeframe("1h")
"""What a home of real candles begins with, where bars of a fraction of it are stored: docs/horizons.md says
why."""
_PROFILE_VARIABLES = ("HURACAN_ENV", "HURACAN_CONFIG_DIR")
_COMMENT_COLUMN = 46
_SHORT = 75
_HEAD = """\
# Settings of this home. They win over the profile that HURACAN_ENV names; variables and --set win over them.
# A line behind a # says what holds without it: take the # away to change it. `huracan config show` lists
# every setting there is, with its value and where it stands.
"""
_SECRETS = """\
# Secrets stand in the environment, never here:
#   HURACAN_ALERT_URLS     where alerts go: apprise addresses (Telegram, Slack, mail ...), with commas between
#   HURACAN_SIGNING_KEY    Ed25519, 32 bytes in base64; without it one is made in keys/ of the home
#   DATABASE_URL           a PostgreSQL server instead of the embedded one
"""


def write_profile(settings: Settings, *, as_json: bool) -> int:
    """Exit code 0. InvalidInput, and nothing written, where the home has a profile already, where its candles
    come from another source, and where the settings do not suffice to open the source."""
    file, resources = home_profile(settings.storage.home), Resources(settings)
    if file.exists():
        raise InvalidInput(f"{file} exists already.", "Edit it, or give another home by HURACAN_HOME.")
    source = resources.candle_source.identity
    refuse_another_source(resources)
    make_folder(file.parent)
    text = profile_text(settings, {} if source.is_simulated else _decisions(settings))
    write_whole(file, text.encode(), file.parent)
    next_command = "huracan doctor"
    if as_json:
        click.echo(json.dumps({"profile": str(file), "source": source.name, "next": next_command}))
    else:
        click.echo(printable(f"{file} is written, for candles of {named_source(settings)}."))
        click.echo(f"Look through it. Next: {next_command}, which asks the source; then huracan nightly.")
    return 0


def _decisions(settings: Settings) -> dict[str, str]:
    """How often a home begins to decide where nobody says it; nothing where its bars are as long, or none of
    them fit. InvalidInput where the command line says what does not go with it."""
    stored = Timeframe(settings.universe.timeframe).minutes
    fits = stored < _DECIDED_EVERY.minutes and _DECIDED_EVERY.minutes % stored == 0
    if not fits or _at(settings, _DECISIONS) is not None:
        return {}
    begins_with = {_DECISIONS: _DECIDED_EVERY.name}
    above = settings.layers.above.items()
    # What was said may not go with it: better refused here than by every command after this one.
    load_settings({key: value for key, (value, origin) in above if origin == "command line"} | begins_with)
    return begins_with


def profile_text(settings: Settings, begins_with: dict[str, str]) -> str:
    """YAML that `load_settings` reads: live is what the command line says, what makes the source, and what
    the home `begins_with`; the rest are comments with what holds without them."""
    environ = {name: os.environ[name] for name in _PROFILE_VARIABLES if name in os.environ}
    otherwise = load_settings({"storage.home": str(settings.storage.home)}, environ)
    kind = candle_sources()[settings.source.kind]
    own = fields_of(kind.settings) or {}
    secrets = {f"source.{kind.name}.{name}" for name in own if without_none(own[name]) is SecretStr}
    live = _live(settings, otherwise) | begins_with
    # What holds without a word depends on how often is decided.
    decided = {key: live[key] for key in _TIMEFRAMES if key in live}
    otherwise = load_settings({"storage.home": str(settings.storage.home), **decided}, environ)
    keys = ("source.kind", *(f"source.{kind.name}.{name}" for name in own), *CHANGED_MOST, *live)
    tree: dict[str, Any] = {}
    for key in dict.fromkeys(keys):
        if key not in secrets:
            *sections, name = key.split(".")
            branch = tree
            for section in sections:
                branch = branch.setdefault(section, {})
            value = live[key] if key in live else _at(otherwise, key)
            branch[name] = _Line(_as_yaml(value), key in live, meaning(key))
    blocks = ["\n".join(_lines({name: branch}, "")) for name, branch in tree.items()]
    by_key = {key: name for name, key in NAMED_VARIABLES.items()}
    names = [by_key.get(key, OVERRIDE + key.upper().replace(".", "__")) for key in sorted(secrets)]
    lines = "".join(f"#   {name}\n" for name in names)
    return "\n".join([_HEAD, *(f"{block}\n" for block in blocks), _SECRETS + lines])


def meaning(key: str) -> str:
    """The beginning of what stands below the setting where it is declared; empty where nothing does."""
    *sections, name = key.split(".")
    owner: Any = Settings
    for section in sections:
        owner = without_none((fields_of(owner) or {})[section])
    for each in owner.__mro__:
        if each.__module__.partition(".")[0] not in ("pydantic", "builtins"):
            told = " ".join(_texts(each).get(name, "").split())
            if told:
                sentence = told.partition(". ")[0].removesuffix(".")
                return sentence if len(sentence) <= _SHORT else re.split("[:;] ", sentence)[0]
    return ""


def _texts(owner: type) -> Mapping[str, str]:
    """Name of each attribute to the text below it."""
    try:
        source = textwrap.dedent(inspect.getsource(owner))
    except (OSError, TypeError):
        return {}
    body = next(node.body for node in ast.parse(source).body if isinstance(node, ast.ClassDef))
    return {
        ast.unparse(attribute.target): str(below.value.value)
        for attribute, below in pairwise(body)
        if isinstance(attribute, ast.AnnAssign)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
    }


class _Line:
    """One setting."""

    def __init__(self, value: str, is_live: bool, told: str) -> None:
        self.value, self.is_live, self.told = value, is_live, told


def _lines(tree: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, node in tree.items():
        if isinstance(node, _Line):
            line = f"{indent}{'' if node.is_live else '# '}{name}: {node.value}".rstrip()
            yield f"{line:<{_COMMENT_COLUMN}}  # {node.told}" if node.told else line
        else:
            yield f"{indent}{name}:"
            yield from _lines(node, f"{indent}  ")


def _live(settings: Settings, otherwise: Settings) -> dict[str, Any]:
    """What must stand in the file for these settings to be had again: the source, and the command line's."""
    argument = candle_sources()[settings.source.kind].argument
    known = ("source.kind", f"source.{settings.source.kind}.{argument}")
    found = {
        key: value
        for key, value in deciding_source(settings).items()
        if key in known or value != _at(otherwise, key)
    }
    said = [key for key, (_, origin) in settings.layers.above.items() if origin == "command line"]
    kept = {key: _at(settings, key) for key in said if key != "storage.home"}
    return {key: value for key, value in kept.items() if not holds_secret(value)} | found


def _at(settings: Settings, key: str) -> Any:
    value: Any = settings
    for name in key.split("."):
        value = getattr(value, name)
    return value


def _as_yaml(value: Any) -> str:
    """On one line; nothing for what is not set."""
    if value is None:
        return ""
    said = value if isinstance(value, date) else plain(value)
    text: str = yaml.safe_dump(said, default_flow_style=True, allow_unicode=True, width=1_000)
    return text.partition("\n...")[0].strip()
