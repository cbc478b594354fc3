"""YAML as settings are written in: nothing is guessed and nothing is lost, and every key has its line.

Of YAML's guesses those are left out that turn what a person wrote into another value: `2:00` is no 120, `010`
no 8, and a day stays text, which the setting that it is for reads or refuses.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from huracan.errors import InvalidInput

_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_TIME = "tag:yaml.org,2002:timestamp"
_MERGE = "tag:yaml.org,2002:merge"

_QUOTING = re.compile(r"\b(tag|alias)\b")
"""In what pyyaml says of a value that it takes for a tag or an alias, and repeats."""


class _Loader(yaml.SafeLoader):
    """Its own copy of the resolvers is changed below; pyyaml keeps them by the first letter of a text."""


def _without_guesses() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    known = yaml.SafeLoader.yaml_implicit_resolvers
    return {
        letter: [each for each in resolvers if each[0] not in (*_NUMBERS, _TIME)]
        for letter, resolvers in known.items()
    }


_Loader.yaml_implicit_resolvers = _without_guesses()
_Loader.add_implicit_resolver(
    _NUMBERS[0], re.compile(r"[-+]?(?:0|[1-9][0-9_]*|0x[0-9a-fA-F]+)$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(
    _NUMBERS[1],
    re.compile(
        r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$|[-+]?\.inf$|\.nan$", re.IGNORECASE
    ),
    list("-+0123456789."),
)


@dataclass(frozen=True)
class Document:
    """What a text holds, and the line of every key, by its dotted name."""

    value: Any
    lines: dict[str, int] = field(default_factory=dict)


def read_yaml(text: str, where: str) -> Document:
    """InvalidInput naming `where` and the line of what is not well written, or of a key that stands twice."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        lines = dict(_lines(node, "", where))
        return Document(None if node is None else loader.construct_document(node), lines)
    # Without the cause: it would show the line, and a secret that may stand there.
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        if _QUOTING.search(error.problem or ""):
            raise InvalidInput(
                f"{where}, line {line}: a value begins with ! or *.", "Put it in quotes."
            ) from None
        raise InvalidInput(f"{where}, line {line}: {error.problem}.", "Correct the YAML there.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        kind = " ".join(str(getattr(error, "reason", None) or "it is nested too deep").split())
        raise InvalidInput(f"{where} could not be read as YAML: {kind}.", "Correct it there.") from None


def _lines(node: yaml.Node | None, lead: str, where: str) -> Iterator[tuple[str, int]]:
    if not isinstance(node, yaml.MappingNode):
        return
    known: dict[str, int] = {}
    for key, value in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        if name in known and key.tag != _MERGE:
            raise InvalidInput(
                f"{where}, line {line}: {lead}{name} stands twice, first in line {known[name]}.",
                "Put both into one: of two the first would be lost.",
            )
        known[name] = line
        yield f"{lead}{name}", line
        yield from _lines(value, f"{lead}{name}.", where)
