"""The settings with what a command line says on top. They are imported when they are read."""

import gc
import re
from typing import TYPE_CHECKING, Any

from huracan.errors import InvalidInput

if TYPE_CHECKING:
    from huracan_resources.settings.settings import Settings


def read_settings(assignments: tuple[str, ...], source: str | None = None) -> "Settings":
    """The settings with what the command line says on top."""
    from huracan_resources.settings.settings import load_settings

    overrides: dict[str, Any] = {}
    for assignment in assignments:
        key, mark, value = assignment.partition("=")
        if not mark:
            raise InvalidInput(f"--set {_shown(key)} has no '='.", "Write it as SECTION.KEY=VALUE.")
        overrides[key.strip()] = _value(key, value.strip())
    if source is not None:
        overrides |= source_overrides(source)
    settings = load_settings(overrides)
    if not gc.isenabled():  # none of what was loaded until here is garbage, also when Python looks as it ends
        gc.freeze()
    return settings


def _shown(text: str) -> str:
    """As much of what stands where a setting should be as looks like one: the rest may be a secret."""
    from huracan_resources.settings.settings import Settings

    section, dot, _ = text.partition(".")
    is_setting = dot and section in Settings.model_fields and re.fullmatch(r"[a-z0-9_.]+", text)
    return repr(text) if is_setting else "(withheld)"


def _value(key: str, text: str) -> Any:
    """A list or a mapping is written as in YAML, `[BTC/USDT, ETH/USDT]`; other text stays what it is."""
    if not text.startswith(("[", "{")):
        return text
    from huracan_resources.settings.yaml_text import read_yaml

    try:
        return read_yaml(text, "").value
    except InvalidInput as error:
        raise InvalidInput(
            f"The list in --set {_shown(key.strip())} is not closed or not well written.",
            "Write it as SECTION.KEY=[ONE, TWO], in quotes.",
        ) from error


def source_overrides(source: str) -> dict[str, Any]:
    """The name of a candle source, or `NAME:TEXT`, as settings: `files:DIRECTORY`, `ccxt:EXCHANGE`."""
    from huracan_resources.candle_sources import candle_sources, usages

    name, _, text = source.partition(":")
    kind = candle_sources().get(name)
    if kind is None or (text and not kind.argument):
        raise InvalidInput(f"--source {source!r} is unknown.", f"Use {usages()}.")
    argument = {f"source.{name}.{kind.argument}": text} if text else {}
    return {"source.kind": name, **argument}
