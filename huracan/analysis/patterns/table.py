"""The tables of the pattern library and its states: names, types, and what a stored row of before lacks."""

from dataclasses import replace

import pyarrow as pa

from huracan.candles.schema import TIME
from huracan.errors import InvalidInput
from huracan.tables import DATE, DAY, FLOAT, FLOATS, INTEGER, SINGLES, TEXT, Column, arrow_schema, chosen

STATES = CANDIDATE, RELIABLE, DEGRADED, RETIRED = "candidate", "reliable", "degraded", "retired"
NO_PATTERN = "none"
"""Stands for the identity where a trade resembled no known pattern."""

_OF_90 = "interval of 90 %; null of fewer than two trades"

_IN_SAMPLE = (
    Column(
        "trades",
        INTEGER,
        "in its cluster on the last night that found it: in sample, as is all up to main_regime",
    ),
    Column("wins", INTEGER, "of them those with a net result above 0"),
    Column("win_rate", FLOAT, "wins of trades", "0 to 1"),
    Column("win_rate_low", FLOAT, "lower end of its Wilson interval of 90 %", "0 to 1"),
    Column("win_rate_high", FLOAT, "upper end of its Wilson interval of 90 %", "0 to 1"),
    Column("mean_net_bps", FLOAT, "mean net of a trade", "bps"),
    Column("mean_net_standard_error_bps", FLOAT, "its standard error; null of one trade", "bps"),
    Column("mean_net_low_bps", FLOAT, f"lower end of its {_OF_90}", "bps"),
    Column("mean_net_high_bps", FLOAT, f"upper end of its {_OF_90}", "bps"),
    Column("mean_holding_minutes", FLOAT, "mean time from entry to exit", "minutes"),
    Column(
        "max_drawdown_bps",
        FLOAT,
        "deepest fall of the summed net results in the order of closing, >= 0",
        "bps",
    ),
    Column("profit_factor", FLOAT, "net bps won over net bps lost; null without a loss"),
    Column("main_regime", TEXT, "regime that most of its signals were in"),
)
_IDENTITY = (
    Column("first_seen_day", DATE, "night that named the pattern", "UTC day"),
    Column("last_seen_day", DATE, "last night that found it", "UTC day"),
    Column(
        "match_cosine",
        FLOAT,
        "likeness to the same pattern of the night before; null of a new one and of one not found tonight",
        "-1 to 1",
    ),
    Column("embedding_version", TEXT, "digest of the statistics that made the vectors"),
    Column("centroid", SINGLES, "mean direction of its entries' vectors, of length 1"),
    Column(
        "feature_means", SINGLES, "mean of each entry feature, in the order of the recipe; NaN where unknown"
    ),
    Column("side", TEXT, "long or short; null where stored before patterns had sides"),
    Column("number", INTEGER, "the how-many-th pattern ever named, from 1; null where stored before"),
)
_FORWARD = (
    Column("forward_nights", INTEGER, "nights with a trade for it, after the one that named it"),
    Column("forward_trades", INTEGER, "trades that resembled it most, by the library of the night before"),
    Column("forward_wins", INTEGER, "of them those with a net result above 0"),
    Column(
        "forward_win_rate_low", FLOAT, "lower end of the Wilson interval of 90 %; null without one", "0 to 1"
    ),
    Column(
        "forward_win_rate_high", FLOAT, "upper end of the Wilson interval of 90 %; null without one", "0 to 1"
    ),
    Column(
        "forward_mean_net_bps", FLOAT, "mean net of a forward trade, out of sample; null without one", "bps"
    ),
    Column("forward_net_low_bps", FLOAT, f"lower end of its {_OF_90}", "bps"),
    Column("forward_net_high_bps", FLOAT, f"upper end of its {_OF_90}", "bps"),
    Column("forward_net_sum_bps", FLOAT, "net of the forward trades, summed", "bps"),
    Column("forward_net_square_sum", FLOAT, "its squares, summed", "bps^2"),
    Column(
        "evidence",
        FLOAT,
        "wealth of a bettor on it who began with 1; without an edge it reaches c with a chance of 1 / c",
    ),
    Column(
        "evidence_needed",
        FLOAT,
        "evidence that makes it reliable: more for a later name, and after a relapse",
    ),
    Column("wealth", FLOATS, "the bettor's wealth by stake: 5, 10, 20, 40 and 80 % of what is free"),
    Column(
        "open_bets",
        TEXT,
        "of wealth and drift_wealth what is free at judged_until, and the stakes that come back later; null "
        "where stored before positions outlived the day",
        "JSON",
    ),
    Column(
        "judged_until",
        TIME,
        "the last moment whose signals are counted: the longest holding before the night, so that those "
        "whose winners were still open wait; null likewise",
        "UTC",
    ),
    Column("first_reliable_day", DATE, "night that made it reliable first; null where none did", "UTC day"),
    Column("times_degraded", INTEGER, "times that it was reliable and lost it"),
)
_DRIFT = (
    Column("drift_evidence", FLOAT, "wealth of a bettor against it, who begins anew whenever it is below 1"),
    Column("drift_wealth", FLOATS, "the same by stake"),
    Column(
        "drift_bps",
        FLOAT,
        "recent forward mean less that of all; below 0: it got worse; null without one",
        "bps",
    ),
    Column(
        "recent_net_sum_bps",
        FLOAT,
        "net of the forward trades, a night counting 0.8 times the one after it",
        "bps",
    ),
    Column("recent_trades", FLOAT, "forward trades, weighted likewise"),
)
_SETTINGS = (
    Column(
        "best_stop_volatilities",
        FLOAT,
        "stop of the setting with the largest mean so far; null where too few trades were tried",
        "horizon volatilities",
    ),
    Column(
        "best_target_volatilities", FLOAT, "target of that setting; null likewise", "horizon volatilities"
    ),
    Column(
        "best_size",
        FLOAT,
        "size multiplier: the largest where its mean is surely above 0, else less; null likewise",
    ),
    Column("best_found_day", DATE, "since when this setting is the best; null likewise", "UTC day"),
    Column(
        "best_past_mean_net_bps", FLOAT, "its mean net on the trades it was found on; null likewise", "bps"
    ),
    Column("trial_trades", INTEGER, "forward trades entered again under every setting"),
    Column(
        "trial_net_sums_bps",
        FLOATS,
        "their net by setting, summed (stop 1, 1.5, 2.5 by target 1.5, 2.5, 4)",
        "bps",
    ),
    Column("trial_net_square_sums", FLOATS, "the squares by setting, summed", "bps^2"),
    Column("judged_trades", INTEGER, "trades of nights after the setting was found: what follows is of them"),
    Column("judged_mean_net_bps", FLOAT, "mean net under the setting, size 1; null without one", "bps"),
    Column("judged_gain_bps", FLOAT, "mean net under it less that as traded; null without one", "bps"),
    Column("judged_gain_low_bps", FLOAT, f"lower end of its {_OF_90}", "bps"),
    Column("judged_gain_high_bps", FLOAT, f"upper end of its {_OF_90}", "bps"),
    Column("judged_sized_net_bps", FLOAT, "mean of net times best_size, of size 1; null without one", "bps"),
    Column("judged_net_sum_bps", FLOAT, "net under the setting, summed", "bps"),
    Column("judged_gain_sum_bps", FLOAT, "gain, summed", "bps"),
    Column("judged_gain_square_sum", FLOAT, "squares of the gain, summed", "bps^2"),
    Column("judged_sized_sum_bps", FLOAT, "net times best_size, summed", "bps"),
)

PATTERNS_COLUMNS = (
    Column("day", DATE, "night whose library this is", "UTC day"),
    Column("pattern_id", TEXT, "identity of the pattern, the same from night to night"),
    Column("name", TEXT, "its side, and what sets its entries apart from others"),
    Column(
        "state",
        TEXT,
        "candidate, reliable (proven by forward trades), degraded or retired (not found lately)",
    ),
    *_IN_SAMPLE,
    *_IDENTITY,
    *_FORWARD,
    *_DRIFT,
    *_SETTINGS,
)
PATTERNS_SCHEMA = arrow_schema(PATTERNS_COLUMNS)
"""One row per pattern of the library of a day, by identity."""

NIGHTS_COLUMNS = (
    DAY,
    Column("pattern_id", TEXT, "pattern known the night before; none: the trades that resembled none"),
    Column("state", TEXT, "of the pattern after the night; null of none"),
    Column("trades", INTEGER, "new trades that resembled it most"),
    Column("wins", INTEGER, "of them those with a net result above 0"),
    Column("net_bps_sum", FLOAT, "their net, summed", "bps"),
    Column("net_usd", FLOAT, "their net", "USD"),
    *(
        replace(column, meaning=f"{column.meaning}; after the night, null of none")
        for column in chosen(PATTERNS_COLUMNS, "evidence", "drift_evidence")
    ),
)
NIGHTS_SCHEMA = arrow_schema(NIGHTS_COLUMNS)
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
