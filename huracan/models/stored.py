"""How models of past trades lie in files: their kind, the version of their form, and their fields.

What is no such file, or one that this version cannot read, is refused in a sentence of its own.
"""

from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any

from huracan.errors import InputRefused
from huracan.models.canonical import canonical_json, read_json_object

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

FORM = 2
"""Form 1 had no calibration, no interval and no weights, and did not say that it was form 1."""


def write_model(kind: str, values: dict[str, Any]) -> bytes:
    """Canonical JSON of the fields of a model."""
    return canonical_json({"kind": kind, "form": FORM, **values})


def read_model(
    content: bytes, kind: str, words: str, model: "type[DataclassInstance]", first_form: int = 1
) -> dict[str, Any]:
    """The fields of a `model` of that kind, those of later forms left out where it is of an earlier one.

    `words` name it in a sentence, `first_form` is the first that has such a model. InputRefused where the
    file is damaged, another kind of model, of a later form, or lacks fields.
    """
    value = read_json_object(content, f"The {words}")
    found, form = value.pop("kind", None), value.pop("form", 1)
    again = "Fit it again with this version."
    if found == "unfit":
        raise InputRefused(f"There is no {words}: {value.get('reason', 'none was fitted.')}", again)
    if found != kind:
        named = "no model of past trades" if found is None else f"a model of the kind {found!r}"
        raise InputRefused(f"The {words} is {named}, not {kind!r}.", "Give the file of the right asset.")
    if not isinstance(form, int) or not first_form <= form <= FORM:
        raise InputRefused(
            f"The {words} is of form {form!r}, this version reads {first_form} to {FORM}.",
            "Use the version of Huracan that fitted it, or fit it again with this one.",
        )
    known = {each.name: each for each in fields(model)}
    needed = {
        name
        for name, each in known.items()
        if form == FORM or (each.default is MISSING and each.default_factory is MISSING)
    }
    lacking, foreign = sorted(needed - set(value)), sorted(set(value) - set(known))
    if lacking or foreign:
        what = f"lacks {', '.join(lacking)}" if lacking else f"holds {', '.join(foreign)}, which nobody reads"
        raise InputRefused(f"The {words} {what}.", again)
    return value


def refuse_columns(words: str, columns: tuple[str, ...], known: tuple[str, ...]) -> None:
    """InputRefused where a model looks at a column that this version does not make of a trade."""
    foreign = [name for name in columns if name not in known]
    if foreign:
        raise InputRefused(
            f"The {words} looks at {', '.join(foreign)}, which this version does not make of a trade.",
            "Fit it again with this version.",
        )
