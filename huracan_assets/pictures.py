"""How every picture of the UI looks: one place for its size, colours, fonts and margins.

The UI has a light and a dark theme and shows the same bytes in both: the background is left out, and every
colour here is of a lightness that stands out from white as much as from black. What a picture tells belongs
in the `plots` beside its asset.
"""

import base64
import io
from typing import TYPE_CHECKING, Any, Literal

from huracan_assets.shown import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#74787f"
"""Of all words and lines of the frame: as far from white as from the dark theme's near black (4.5 to 1)."""
BLUE, GREEN, RED, ORANGE, VIOLET, TEAL = "#2b7fd4", "#219653", "#dd4b47", "#d9730d", "#9065d0", "#16929b"
LINES = (ORANGE, GREEN, VIOLET, TEAL, RED)
"""Of lines that are many; what is told of all of them together is blue."""

_WIDTH_INCHES, _DOTS_PER_INCH = 8.4, 100
_LEGEND: dict[str, Any] = {"fontsize": 8.5, "frameon": False, "labelcolor": INK}
_MOST_ENTRIES = 5
"""More entries of a legend stand in two columns."""


def blank_figure(height: float) -> "Figure":
    """A figure of the width of the UI's dialogue, `height` inches high, that makes room for its words."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08)
    figure = Figure(figsize=(_WIDTH_INCHES, height), dpi=_DOTS_PER_INCH, layout=layout)
    figure.patch.set_alpha(0.0)
    return figure


def dress(axes: "Axes", title: str, x: str, y: str = "", *, grid: Literal["x", "y"] = "y") -> None:
    """Title and axes in words, with their units. Without `y` the vertical axis has names, not numbers."""
    axes.patch.set_alpha(0.0)
    axes.set_title(title, fontsize=10, color=INK, loc="left")
    axes.set_xlabel(x, fontsize=9, color=INK)
    axes.set_ylabel(y, fontsize=9, color=INK)
    axes.tick_params(labelsize=8.5, colors=INK, length=3)
    axes.grid(axis=grid, color=INK, alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(INK)


def legend(axes: "Axes", **where: Any) -> None:
    """What the labelled parts of the plot are, where there is one."""
    entries = axes.get_legend_handles_labels()[1]
    if entries:
        columns = 2 if len(entries) > _MOST_ENTRIES else 1
        axes.legend(**{**_LEGEND, "ncols": columns, **where})


def legend_below(figure: "Figure", axes: "Axes") -> None:
    """What the labelled parts of `axes` are, below the whole figure: there it hides no curve."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), **_LEGEND)


def zero_line(axes: "Axes", *, is_vertical: bool = False) -> None:
    """The line of no gain and no loss."""
    draw = axes.axvline if is_vertical else axes.axhline
    draw(0, color=INK, linewidth=0.9)


def as_picture(figure: "Figure", title: str, told: str) -> Picture:
    """The figure as Dagster shows one: Markdown with a data URL; the bytes carry no date, so they repeat.

    `title` is what the UI calls it, `told` what it comes to in one line.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_parse_math(False)  # a symbol may have a $ in it
    buffer = io.BytesIO()
    # `savefig` would draw a figure that is still to be laid out twice.
    FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})  # type: ignore[no-untyped-call]
    encoded = base64.b64encode(buffer.getvalue()).decode()
    return Picture(f"![{title}](data:image/png;base64,{encoded})", title, told)
