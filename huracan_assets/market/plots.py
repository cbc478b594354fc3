"""Pictures of a day's market for the metadata of its assets."""

import numpy as np
import pyarrow as pa

from huracan_assets.shown import Markdown, as_picture, blank_figure, hours_of

REGIME_COLOURS = {"trend": "#2f9e44", "range": "#1c7ed6", "high_volatility": "#f08c00", "panic": "#e03131"}


def price_with_regimes(ohlcv: pa.Table, regimes: pa.Table) -> Markdown:
    """The close of every symbol as a change since the day's first candle, coloured by regime."""
    figure = blank_figure(height=3.2)
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
            axes.plot(hours[rows], here, color=colour, linewidth=1.1)
        axes.annotate(symbol, (hours[rows][-1], change_pct[np.isfinite(change_pct)][-1]), fontsize=7)
    for regime, colour in REGIME_COLOURS.items():
        axes.plot([], [], color=colour, label=regime)
    axes.legend(fontsize=7, ncols=4, loc="upper left", frameon=False)
    axes.set(xlabel="hour, UTC", ylabel="change since 00:00, %", xticks=range(0, 25, 4))
    return as_picture(figure, "price with regimes")
