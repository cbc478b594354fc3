"""The columns that wins and losses share: similar past trades, luck, and what drove the confidence model."""

import pyarrow as pa

from huracan.analysis.memory.neighbourhood import Neighbourhoods
from huracan.analysis.outcome import nullable
from huracan.analysis.trades.drivers import Drivers
from huracan.analysis.trades.luck import Luck
from huracan.tables import FLOAT, INTEGER, TEXT, Column

NEIGHBOURHOOD = (
    Column(
        "similar_trades",
        INTEGER,
        "earlier trades with a like entry (cosine from 0.3 on), closed before the signal",
    ),
    Column("effective_similar_trades", FLOAT, "their number as likeness and age weigh them (Kish)"),
    Column(
        "pattern_win_probability",
        FLOAT,
        "that a like entry wins net of costs: mean of the Beta posterior; null without similar trades",
        "0 to 1",
    ),
    Column(
        "pattern_win_probability_low",
        FLOAT,
        "lower end of its interval of 90 %; the prior's without trades",
        "0 to 1",
    ),
    Column(
        "pattern_win_probability_high",
        FLOAT,
        "upper end of its interval of 90 %; the prior's without trades",
        "0 to 1",
    ),
    Column(
        "pattern_mean_net_bps",
        FLOAT,
        "mean net of the similar trades, weighted likewise; null without one",
        "bps",
    ),
)
LUCK = (
    Column(
        "luck_percentile",
        FLOAT,
        "entries by chance that did worse, ties half, held for as many bars; null without an entry",
        "%",
    ),
    Column(
        "luck_percentile_by_rules", FLOAT, "the same left to stop, target and time-out; null likewise", "%"
    ),
    Column("luck_entries", INTEGER, "entries by chance that were filled: same regime and action, same day"),
    Column(
        "luck_scope",
        TEXT,
        "where from: symbol_hour, all_symbols_hour, neighbouring_hours or whole_day; null without an entry",
    ),
)
DRIVERS = (
    Column("drivers", TEXT, "list of {feature, value, standard_deviations, contribution}", "JSON"),
    Column(
        "driver_source",
        TEXT,
        "confidence_model, unskilled_model (on its tail no better than chance) or unusual_features: none",
    ),
    Column(
        "confidence_log_odds",
        FLOAT,
        "of a win, by the trees of the model in force at the signal, before they are calibrated: base and all"
        " contributions; null without a model",
        "log-odds",
    ),
    Column(
        "confidence_base_log_odds",
        FLOAT,
        "what that model says of a trade before any input; null likewise",
        "log-odds",
    ),
)
NET_SCORE = Column(
    "net_score", FLOAT, "net over what a random walk does in the holding time", "standard deviations"
)


def neighbourhood_columns(alike: Neighbourhoods) -> dict[str, pa.Array]:
    """NEIGHBOURHOOD."""
    return {
        "similar_trades": pa.array(alike.count),
        "effective_similar_trades": nullable(alike.effective_trades),
        "pattern_win_probability": nullable(alike.win_probability),
        "pattern_win_probability_low": nullable(alike.win_probability_low),
        "pattern_win_probability_high": nullable(alike.win_probability_high),
        "pattern_mean_net_bps": nullable(alike.mean_net_bps),
    }


def luck_columns(luck: Luck) -> dict[str, pa.Array]:
    """LUCK."""
    return {
        "luck_percentile": nullable(luck.percentile),
        "luck_percentile_by_rules": nullable(luck.percentile_by_rules),
        "luck_entries": pa.array(luck.entries),
        "luck_scope": luck.scope_names(),
    }


def driver_columns(drivers: Drivers, listed: pa.Array) -> dict[str, pa.Array]:
    """DRIVERS; `listed` is the list of `drivers` that suits the outcome."""
    return {
        "drivers": listed,
        "driver_source": drivers.source,
        "confidence_log_odds": nullable(drivers.log_odds),
        "confidence_base_log_odds": nullable(drivers.base_log_odds),
    }
