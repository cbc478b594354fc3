"""Pictures of what other rules of entering and leaving would have brought, for the metadata of assets."""

import pyarrow as pa
import pyarrow.compute as pc

from huracan.evaluation.off_policy import DOUBLY_ROBUST, WEIGHTED
from huracan_assets.pictures import BLUE, ORANGE, as_picture, blank_figure, dress, legend_below, zero_line
from huracan_assets.shown import Shown

_INCHES_PER_RULE = 0.3
_LOOKS = {WEIGHTED: ("weighted", ORANGE, -0.16), DOUBLY_ROBUST: ("doubly robust", BLUE, 0.16)}


def rules_of_entering(table: pa.Table) -> Shown:
    """The mean net result of an entry by each rule, both estimates with their intervals of 90 %."""
    rows = table.filter(pc.is_valid(table["low_bps"])).to_pylist()
    names = list(dict.fromkeys(f"{row['scope']}: {row['value']}".replace("_", " ") for row in rows))
    figure = blank_figure(height=1.2 + _INCHES_PER_RULE * len(names))
    axes = figure.subplots()
    for estimator, (label, colour, shift) in _LOOKS.items():
        own = [row for row in rows if row["estimator"] == estimator]
        places = [names.index(f"{row['scope']}: {row['value']}".replace("_", " ")) + shift for row in own]
        means = [row["mean_net_bps"] for row in own]
        half = [row["mean_net_bps"] - row["low_bps"] for row in own]
        axes.errorbar(means, places, xerr=half, fmt="o", markersize=4, color=colour, label=label)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    zero_line(axes, is_vertical=True)
    legend_below(figure, axes)
    dress(axes, "Entering by other rules", "mean net of an entry and its interval of 90 %, bps", grid="x")
    return as_picture(figure, "other rules of entering", _told(rows))


def _told(rows: list[dict[str, object]]) -> str:
    of_all = [row for row in rows if (row["scope"], row["estimator"]) == ("all", DOUBLY_ROBUST)]
    told = "".join(
        f"entering at every moment nets {row['mean_net_bps']:+.1f} bps"
        f" ({row['low_bps']:+.1f} to {row['high_bps']:+.1f}); "
        for row in of_all
    )
    judged = [row for row in rows if row["estimator"] == DOUBLY_ROBUST]
    above = sum(row["low_bps"] > 0 for row in judged)  # type: ignore[operator]
    return f"{told}{above} of {len(judged)} rules with an interval are above 0 with all of it"
