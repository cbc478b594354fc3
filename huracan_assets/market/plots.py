"""Pictures of a day's market for the metadata of its assets."""

import numpy as np
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
from huracan_assets.shown import Markdown, hours_of

REGIME_COLOURS = {"trend": GREEN, "range": BLUE, "high_volatility": ORANGE, "panic": RED}


def price_with_regimes(ohlcv: pa.Table, regimes: pa.Table) -> Markdown:
    """The close of every symbol as a change since the day's first candle, coloured by regime."""
    figure = blank_figure(height=3.8)
    axes = figure.subplots()
    symbols = ohlcv["symbol"].to_numpy(zero_copy_only=False)
    hours = hours_of(ohlcv)
    closes = ohlcv["close"].to_numpy()
    labels = regimes["regime"].to_numpy(zero_copy_only=False)
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
    dress(
        axes,
        "The day's prices, coloured by regime, and each one's share of the bars",
        "hour, UTC",
        "change since 00:00, %",
    )
    return as_picture(
        figure, "price with regimes", ", ".join(f"{name} {share}" for name, share in told.items())
    )
