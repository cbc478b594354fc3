"""The four jobs of a night, chained by day: market; then trade and learn; then publish.

They are apart because a failed training must not stop the day's trades, nor a failed gate the training. The
models of past trades are fitted in `trade` and not in `learn`: they learn from the day's own trades too, and
a training that fails must not take tomorrow's gates with it. Which assets a job makes, its assets declare.
"""

MARKET, TRADE, LEARN, PUBLISH = "market", "trade", "learn", "publish"

NEXT: dict[str, list[str]] = {MARKET: [TRADE, LEARN], TRADE: [PUBLISH], LEARN: [PUBLISH], PUBLISH: []}
NEEDS: dict[str, list[str]] = {MARKET: [], TRADE: [MARKET], LEARN: [MARKET], PUBLISH: [TRADE, LEARN]}

WHY = {
    MARKET: "Candles of the closed day, their features and regimes.",
    TRADE: "The day on paper by yesterday's policy, its analyses and gates.",
    LEARN: "The policy retrained on the window that ends with the day.",
    PUBLISH: "The verdict on tonight's policy, and the brain that survives it.",
}
MAXIMUM_SECONDS = {MARKET: 7_200, TRADE: 3_600, LEARN: 21_600, PUBLISH: 3_600}
