"""Pictures and tables for the metadata of assets, small enough to live in the event log."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Markdown:
    """Text that the UI lays out."""

    text: str


@dataclass(frozen=True)
class Rows:
    """Records that the UI shows as a table."""

    records: Sequence[Mapping[str, Any]]


Shown = Markdown | Rows | str

_SMALL = 0.001
"""Below it four decimals would hide what the number is."""


def count_table(table: pa.Table, keys: Sequence[str]) -> Shown:
    """How many rows there are of each combination of `keys`."""
    counted = table.group_by(list(keys)).aggregate([([], "count_all")])
    return top_rows(counted.sort_by([(key, "ascending") for key in keys]), 60)


def top_rows(table: pa.Table, count: int) -> Shown:
    """The first rows of a table, without its columns of lists."""
    plain = [
        field.name
        for field in table.schema
        if not (pa.types.is_list(field.type) or pa.types.is_fixed_size_list(field.type))
    ]
    rows = table.select(plain).slice(0, count).to_pylist()
    if not rows:
        return "no rows"
    return Rows([{name: cell(value) for name, value in row.items()} for row in rows])


def lines(texts: Sequence[str]) -> Markdown:
    """Sentences as a list."""
    return Markdown("\n".join(f"- {text}" for text in texts))


def cell(value: object) -> str | int | float | bool | None:
    if isinstance(value, float):
        digits = 4 if abs(value) >= _SMALL or value == 0.0 else 12
        return round(value, digits) if np.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int) else str(value)


def hours_of(table: pa.Table) -> np.ndarray:
    milliseconds = table["open_time"].cast(pa.int64()).to_numpy()
    hours: np.ndarray = (milliseconds - milliseconds[0]) / 3_600_000
    return hours


def blank_figure(height: float) -> "Figure":
    """A figure of the width of the UI's column, with room for labels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, height), dpi=90)
    # Fixed margins: fitting them to the labels would cost half of the drawing.
    figure.subplots_adjust(left=0.09, right=0.91, bottom=0.17, top=0.9, wspace=0.3)
    return figure


def as_picture(figure: "Figure", title: str) -> Markdown:
    """The figure as Dagster shows one: Markdown with a data URL; the bytes carry no date, so they repeat."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_parse_math(False)  # a symbol may have a $ in it
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    encoded = base64.b64encode(buffer.getvalue()).decode()
    return Markdown(f"![{title}](data:image/png;base64,{encoded})")
