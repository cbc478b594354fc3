"""The columns that wins and losses share: similar past trades, luck, and what drove the confidence model."""

import pyarrow as pa

from huracan.analysis.memory.neighbourhood import Neighbourhoods
from huracan.analysis.outcome import nullable
from huracan.analysis.trades.drivers import Drivers
from huracan.analysis.trades.luck import Luck

NEIGHBOURHOOD_FIELDS = (
    ("similar_trades", pa.int64()),
    ("effective_similar_trades", pa.float64()),
    ("pattern_win_probability", pa.float64()),
    ("pattern_win_probability_low", pa.float64()),
    ("pattern_win_probability_high", pa.float64()),
    ("pattern_mean_net_bps", pa.float64()),
)
LUCK_FIELDS = (
    ("luck_percentile", pa.float64()),  # among entries held for as many bars; 0 to 100
    ("luck_percentile_by_rules", pa.float64()),  # among the same, left to stop, target and time-out
    ("luck_entries", pa.int64()),
    ("luck_scope", pa.string()),  # one of luck.SCOPES
)
DRIVER_FIELDS = (
    ("drivers", pa.string()),  # JSON list of {feature, value, standard_deviations, contribution}
    ("driver_source", pa.string()),  # one of drivers.DRIVER_SOURCES
    ("confidence_log_odds", pa.float64()),  # of a win, by the model of the day before: base + contributions
    ("confidence_base_log_odds", pa.float64()),
)


def neighbourhood_columns(alike: Neighbourhoods) -> dict[str, pa.Array]:
    """NEIGHBOURHOOD_FIELDS."""
    return {
        "similar_trades": pa.array(alike.count),
        "effective_similar_trades": nullable(alike.effective_trades),
        "pattern_win_probability": nullable(alike.win_probability),
        "pattern_win_probability_low": nullable(alike.win_probability_low),
        "pattern_win_probability_high": nullable(alike.win_probability_high),
        "pattern_mean_net_bps": nullable(alike.mean_net_bps),
    }


def luck_columns(luck: Luck) -> dict[str, pa.Array]:
    """LUCK_FIELDS."""
    return {
        "luck_percentile": nullable(luck.percentile),
        "luck_percentile_by_rules": nullable(luck.percentile_by_rules),
        "luck_entries": pa.array(luck.entries),
        "luck_scope": luck.scope_names(),
    }


def driver_columns(drivers: Drivers, listed: pa.Array) -> dict[str, pa.Array]:
    """DRIVER_FIELDS; `listed` is the list of `drivers` that suits the outcome."""
    return {
        "drivers": listed,
        "driver_source": pa.array([drivers.source] * len(listed), pa.string()),
        "confidence_log_odds": nullable(drivers.log_odds),
        "confidence_base_log_odds": nullable(drivers.base_log_odds),
    }
