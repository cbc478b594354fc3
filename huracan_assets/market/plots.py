"""Pictures of a day's market for the metadata of its assets."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from huracan_assets.pictures import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    RED,
    as_picture,
    blank_figure,
    dress,
    legend,
    zero_line,
)
from huracan_assets.shown import Picture, hours_of

REGIME_COLOURS = {"trend": GREEN, "range": BLUE, "high_volatility": ORANGE, "panic": RED}


def price_with_regimes(ohlcv: pa.Table, regimes: pa.Table, absolute: pa.Table) -> Picture:
    """The close of every symbol as a change since the day's first candle, coloured by regime: beside the
    weeks before, and among all days so far."""
    figure = blank_figure(height=6.2)
    panels = {
        "The day's prices, coloured by regime beside the weeks before, and the shares of the bars": regimes[
            "regime"
        ],
        "The same among all days so far": absolute["absolute_regime"],
    }
    told = []
    for axes, (title, labels) in zip(figure.subplots(2), panels.items(), strict=True):
        told.append(_coloured(axes, ohlcv, labels.to_numpy(zero_copy_only=False)))
        dress(axes, title, "hour, UTC", "change since 00:00, %")
    return as_picture(figure, "price with regimes", f"{told[0]}; among all days so far {told[1]}")


def _coloured(axes: Any, ohlcv: pa.Table, labels: npt.NDArray[np.object_]) -> str:
    """Draws the lines; the shares of the labels in words."""
    symbols = ohlcv["symbol"].to_numpy(zero_copy_only=False)
    hours, closes = hours_of(ohlcv), ohlcv["close"].to_numpy()
    for symbol in dict.fromkeys(symbols.tolist()):
        rows = symbols == symbol
        known = closes[rows][np.isfinite(closes[rows])]
        if not len(known):
            continue
        change_pct = 100 * (closes[rows] / known[0] - 1)
        for regime, colour in REGIME_COLOURS.items():
            # A line with holes draws many times faster than a marker per bar.
            here = np.where(labels[rows] == regime, change_pct, np.nan)
            axes.plot(hours[rows], here, color=colour, linewidth=1.4)
        last = change_pct[np.isfinite(change_pct)][-1]
        axes.annotate(f" {symbol}", (hours[rows][-1], last), fontsize=8.5, color=INK, va="center")
    known_labels = [label for label in labels.tolist() if label]
    shares = {regime: known_labels.count(regime) / max(1, len(known_labels)) for regime in REGIME_COLOURS}
    told = {regime.replace("_", " "): f"{100 * share:.0f} %" for regime, share in shares.items()}
    for (name, share), colour in zip(told.items(), REGIME_COLOURS.values(), strict=True):
        axes.plot([], [], color=colour, linewidth=2.5, label=f"{name}, {share}")
    zero_line(axes)
    axes.set(xticks=range(0, 25, 4), xlim=(0, 24))
    axes.margins(y=0.15)
    legend(axes, ncols=4, loc="upper left")
    return ", ".join(f"{name} {share}" for name, share in told.items())
