"""The tables of what a day's decisions would have made and what others would have: names and columns."""

import pyarrow as pa

AS_TRADED = "as_traded"
ALL_SYMBOLS = "all"
BRAIN, DO_NOTHING, BUY_AND_HOLD, RANDOM_ENTRIES = "brain", "do_nothing", "buy_and_hold", "random_entries"

SCENARIOS_SCHEMA = pa.schema(
    [
        ("scenario", pa.string()),
        ("symbol", pa.string()),  # or "all"
        ("trades", pa.int64()),
        ("winners", pa.int64()),
        ("stopped", pa.int64()),  # left by a stop, one that followed included
        ("notional_usd", pa.float64()),
        ("gross_usd", pa.float64()),
        ("fee_usd", pa.float64()),
        ("spread_usd", pa.float64()),
        ("slippage_usd", pa.float64()),
        ("funding_usd", pa.float64()),
        ("net_usd", pa.float64()),
        ("net_bps", pa.float64()),  # of the notional; null without a trade
        ("change_usd", pa.float64()),  # of net against as_traded
        ("break_even_fee_bps", pa.float64()),  # of the value filled, each side; below 0: no fee is low enough
    ]
)
"""One row per scenario and symbol, that of all symbols first."""

RIVALS_SCHEMA = pa.schema(
    [
        ("rival", pa.string()),  # the brain itself first
        ("symbol", pa.string()),  # or "all"
        ("trades", pa.int64()),
        ("net_usd", pa.float64()),  # of random entries the mean of the draws
        ("net_bps", pa.float64()),  # mean of a trade; null without one
        ("draws", pa.int64()),
        ("net_bps_low", pa.float64()),  # 5 % and 95 % of the draws
        ("net_bps_high", pa.float64()),
        ("brain_percentile", pa.float64()),  # share of the draws that the brain beats, ties half, in %
    ]
)
"""One row per rival; of buying and holding one for all symbols, then one per symbol."""
