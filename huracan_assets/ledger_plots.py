"""Pictures of a day's ledger for the metadata of assets; the drawing of pictures at large is in `plots`."""

import dagster as dg
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.market.scenario_tables import ALL_SYMBOLS, BRAIN, BUY_AND_HOLD
from huracan_assets.plots import figure_of, picture


def scenarios_and_rivals(
    scenarios: pa.Table, rivals: pa.Table, draws_bps: NDArray[np.float64]
) -> dg.MetadataValue:
    """Net of the day by scenario in USD, and the brain's mean trade among the random draws in bps."""
    figure = figure_of(height=2.8)
    left, right = figure.subplots(1, 2)
    of_all = [row for row in scenarios.to_pylist() if row["symbol"] == ALL_SYMBOLS]
    names, net = [row["scenario"] for row in of_all], [row["net_usd"] for row in of_all]
    held = {row["rival"]: row for row in rivals.to_pylist() if row["symbol"] == ALL_SYMBOLS}
    names.append(BUY_AND_HOLD)
    net.append(held[BUY_AND_HOLD]["net_usd"])
    left.barh(names[::-1], net[::-1], color=["#2f9e44" if usd > 0 else "#e03131" for usd in net[::-1]])
    left.axvline(0, color="#868e96", linewidth=0.6)
    left.tick_params(labelsize=6)
    left.set_xlabel("net, USD", fontsize=7)
    if draws_bps.size:
        right.hist(draws_bps, bins=30, color="#adb5bd")
        right.axvline(held[BRAIN]["net_bps"], color="#1c7ed6", label="brain")
        right.legend(fontsize=7, frameon=False)
    right.tick_params(labelsize=6)
    right.set_xlabel("mean net of a trade, bps; random entries in grey", fontsize=7)
    figure.subplots_adjust(left=0.2, wspace=0.15)
    return picture(figure, "scenarios and rivals")
