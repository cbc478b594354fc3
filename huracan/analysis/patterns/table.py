"""The tables of the pattern library and its states: names, types, and what a stored row of before lacks."""

import pyarrow as pa

from huracan.errors import InvalidInput

STATES = CANDIDATE, RELIABLE, DEGRADED, RETIRED = "candidate", "reliable", "degraded", "retired"
NO_PATTERN = "none"
"""Stands for the identity where a trade resembled no known pattern."""

_IN_SAMPLE = (
    ("trades", pa.int64()),  # of the cluster tonight, over the whole window
    ("wins", pa.int64()),
    ("win_rate", pa.float64()),
    ("win_rate_low", pa.float64()),  # Wilson interval, 90 %
    ("win_rate_high", pa.float64()),
    ("mean_net_bps", pa.float64()),
    ("mean_net_standard_error_bps", pa.float64()),
    ("mean_net_low_bps", pa.float64()),  # 90 %; null of one trade
    ("mean_net_high_bps", pa.float64()),
    ("mean_holding_minutes", pa.float64()),
    ("max_drawdown_bps", pa.float64()),  # of the summed net results, >= 0
    ("profit_factor", pa.float64()),  # null without a loss
    ("main_regime", pa.string()),
)
_IDENTITY = (
    ("first_seen_day", pa.date32()),
    ("last_seen_day", pa.date32()),
    ("match_cosine", pa.float64()),  # to the same pattern of the night before; null for a new one
    ("embedding_version", pa.string()),
    ("centroid", pa.list_(pa.float32())),
    ("feature_means", pa.list_(pa.float32())),
    ("side", pa.string()),
    ("number", pa.int64()),  # the how-many-th pattern ever named, from 1
)
_FORWARD = (
    ("forward_nights", pa.int64()),  # with a trade, after the night that named the pattern
    ("forward_trades", pa.int64()),  # that resembled it most, by the library of the night before
    ("forward_wins", pa.int64()),
    ("forward_win_rate_low", pa.float64()),  # Wilson interval, 90 %
    ("forward_win_rate_high", pa.float64()),
    ("forward_mean_net_bps", pa.float64()),
    ("forward_net_low_bps", pa.float64()),  # 90 %
    ("forward_net_high_bps", pa.float64()),
    ("forward_net_sum_bps", pa.float64()),
    ("forward_net_square_sum", pa.float64()),
    ("evidence", pa.float64()),  # wealth of a bettor on the pattern who began with 1
    ("evidence_needed", pa.float64()),
    ("wealth", pa.list_(pa.float64())),  # the same by stake
    ("first_reliable_day", pa.date32()),
    ("times_degraded", pa.int64()),
)
_DRIFT = (
    ("drift_evidence", pa.float64()),  # wealth of a bettor against it, who begins anew whenever below 1
    ("drift_wealth", pa.list_(pa.float64())),
    ("drift_bps", pa.float64()),  # recent forward mean less the whole
    ("recent_net_sum_bps", pa.float64()),  # older nights weigh less and less
    ("recent_trades", pa.float64()),
)
_SETTINGS = (
    ("best_stop_volatilities", pa.float64()),  # null where too few trades are known
    ("best_target_volatilities", pa.float64()),
    ("best_size", pa.float64()),
    ("best_found_day", pa.date32()),
    ("best_past_mean_net_bps", pa.float64()),  # on the trades it was found on
    ("trial_trades", pa.int64()),
    ("trial_net_sums_bps", pa.list_(pa.float64())),  # by setting, in the order of pattern_trials.SETTINGS
    ("trial_net_square_sums", pa.list_(pa.float64())),
    ("judged_trades", pa.int64()),  # of nights after the setting was found
    ("judged_mean_net_bps", pa.float64()),
    ("judged_gain_bps", pa.float64()),  # mean against the same trades as they were made
    ("judged_gain_low_bps", pa.float64()),  # 90 %
    ("judged_gain_high_bps", pa.float64()),
    ("judged_sized_net_bps", pa.float64()),  # mean net times the size, in bps of size 1
    ("judged_net_sum_bps", pa.float64()),
    ("judged_gain_sum_bps", pa.float64()),
    ("judged_gain_square_sum", pa.float64()),
    ("judged_sized_sum_bps", pa.float64()),
)

PATTERNS_SCHEMA = pa.schema(
    [
        ("day", pa.date32()),
        ("pattern_id", pa.string()),
        ("name", pa.string()),
        ("state", pa.string()),  # one of STATES
        *_IN_SAMPLE,
        *_IDENTITY,
        *_FORWARD,
        *_DRIFT,
        *_SETTINGS,
    ]
)
"""One row per pattern of the library of a day, by identity."""

NIGHTS_SCHEMA = pa.schema(
    [
        ("day", pa.date32()),
        ("pattern_id", pa.string()),  # or NO_PATTERN
        ("state", pa.string()),  # after the night; null of NO_PATTERN
        ("trades", pa.int64()),
        ("wins", pa.int64()),
        ("net_bps_sum", pa.float64()),
        ("net_usd", pa.float64()),
        ("evidence", pa.float64()),
        ("drift_evidence", pa.float64()),
    ]
)
"""What the night's trades said of the patterns known the night before; every new trade is in one row."""


def current_library(stored: pa.Table) -> pa.Table:
    """A library as today's code reads it: columns that its night did not know yet are null.

    InvalidInput where a column is missing that every version had.
    """
    for field in PATTERNS_SCHEMA:
        if field.name in stored.column_names:
            continue
        if field.name in ("pattern_id", "state", "centroid", "feature_means", "embedding_version"):
            raise InvalidInput(
                f"The pattern library has no column {field.name!r}.", "Materialise pattern_library again."
            )
        stored = stored.append_column(field, pa.nulls(stored.num_rows, field.type))
    return stored.select(PATTERNS_SCHEMA.names).cast(PATTERNS_SCHEMA)
