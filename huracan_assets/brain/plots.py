"""Pictures of a policy's results for the metadata of their assets."""

import pyarrow as pa

from huracan_assets.shown import Markdown, as_picture, blank_figure


def net_by_part(performance: pa.Table) -> Markdown:
    """Net in USD by symbol and by regime, with the costs that were paid for it."""
    figure = blank_figure(height=2.4)
    for axes, scope in zip(figure.subplots(1, 2), ("symbol", "regime"), strict=True):
        rows = [row for row in performance.to_pylist() if row["scope"] == scope][::-1]
        names = [row["value"] for row in rows]
        axes.barh(names, [row["net_usd"] for row in rows], color="#1c7ed6", label="net")
        axes.plot([-row["cost_usd"] for row in rows], names, "|", color="#e03131", label="costs")
        axes.axvline(0, color="#868e96", linewidth=0.6)
        axes.tick_params(labelsize=6)
        axes.set_xlabel(f"USD by {scope}", fontsize=7)
        axes.legend(fontsize=6, frameon=False)
    figure.subplots_adjust(left=0.14, wspace=0.35)
    return as_picture(figure, "net by symbol and regime")
