"""Why the day's winning trades won, as far as numbers can say. Losing trades are in `losses`."""

from datetime import date

import numpy as np
import pyarrow as pa

from huracan.analysis.drivers import top_drivers
from huracan.analysis.embedding import EmbeddingStatistics
from huracan.analysis.neighbourhood import Neighbourhoods, judge_neighbourhoods
from huracan.analysis.outcome import (
    Booleans,
    Floats,
    day_column,
    floats,
    is_end_of_session,
    is_winning,
    net_scores,
    nullable,
)
from huracan.analysis.row_text import sentences

WINS_SCHEMA = pa.schema(
    [
        ("day", pa.date32()),
        ("trade_id", pa.string()),
        ("symbol", pa.string()),
        ("regime", pa.string()),
        ("exit_reason", pa.string()),
        ("is_end_of_session", pa.bool_()),
        ("net_bps", pa.float64()),
        ("net_usd", pa.float64()),
        ("drivers", pa.string()),  # JSON list of {feature, standard_deviations, contribution}
        ("similar_trades", pa.int64()),
        ("effective_similar_trades", pa.float64()),
        ("pattern_win_probability", pa.float64()),
        ("pattern_win_probability_low", pa.float64()),
        ("pattern_win_probability_high", pa.float64()),
        ("pattern_mean_net_bps", pa.float64()),
        ("pattern_strength", pa.string()),  # strong | plausible | unproven | unknown
        ("net_score", pa.float64()),  # net in standard deviations of a random walk over the holding time
        ("luck_probability", pa.float64()),  # that such a walk does at least as well
        ("is_beyond_luck", pa.bool_()),
        ("entry_quality", pa.float64()),  # 0..1: favourable excursion / (favourable + adverse)
        ("entry_label", pa.string()),  # excellent | good | fair
        ("exit_quality", pa.float64()),  # 0..1: net / best excursion; null at the session's end
        ("missed_bps", pa.float64()),  # best excursion - gross
        ("explanation", pa.string()),
    ]
)
"""One row per winning closed trade, in the ledger's order."""

_LUCK_LIMIT = 0.05
_TEXT = (
    "{symbol} made {net_bps} bps net ({exit_reason}) in regime {regime}, {net_score} standard deviations "
    "of noise. Stood out: {drivers}. {similar} similar trades, win probability {probability}: {strength}."
)


def analyse_wins(
    trades: pa.Table,
    neighbours: pa.Table,
    statistics: EmbeddingStatistics,
    day: date,
    importance: pa.Table | None = None,
) -> pa.Table:
    """Rows WINS_SCHEMA for the trades with a net result above zero.

    `neighbours` (NEIGHBOURS_SCHEMA) must have been searched with all of `trades`: its `query` is the row in
    `trades`, and each query's `as_of` was that trade's signal time. `importance` weighs the drivers.
    """
    from scipy.stats import norm

    won = is_winning(trades)
    alike = judge_neighbourhoods(neighbours, len(trades))
    scores = net_scores(trades)
    luck = np.asarray(norm.sf(scores), dtype=np.float64)
    ended = is_end_of_session(trades)
    entry = _entry_quality(trades)
    drivers, driver_names = top_drivers(trades, statistics, importance)
    strength = pattern_strength(alike)
    columns: dict[str, pa.Array | pa.ChunkedArray] = {
        name: trades.column(name)
        for name in ("trade_id", "symbol", "regime", "exit_reason", "net_bps", "net_usd")
    }
    columns |= {
        "day": day_column(day, len(trades)),
        "is_end_of_session": pa.array(ended),
        "drivers": drivers,
        **neighbourhood_columns(alike),
        "pattern_strength": strength,
        "net_score": nullable(scores),
        "luck_probability": nullable(luck),
        "is_beyond_luck": pa.array(luck < _LUCK_LIMIT),
        "entry_quality": nullable(entry),
        "entry_label": _entry_label(entry),
        "exit_quality": nullable(_exit_quality(trades, ended)),
        "missed_bps": nullable(floats(trades, "max_favourable_bps") - floats(trades, "gross_bps")),
    }
    spoken = {
        **columns,
        "drivers": driver_names,
        "similar": columns["similar_trades"],
        "probability": _rounded(alike.win_probability),
        "strength": strength,
    }
    columns["explanation"] = sentences(_TEXT, spoken, len(trades))
    table = pa.table({name: columns[name] for name in WINS_SCHEMA.names}).cast(WINS_SCHEMA)
    return table.filter(pa.array(won)).combine_chunks()


def neighbourhood_columns(alike: Neighbourhoods) -> dict[str, pa.Array]:
    """The columns about similar past trades that wins and losses share."""
    return {
        "similar_trades": pa.array(alike.count),
        "effective_similar_trades": nullable(alike.effective_trades),
        "pattern_win_probability": nullable(alike.win_probability),
        "pattern_win_probability_low": nullable(alike.win_probability_low),
        "pattern_win_probability_high": nullable(alike.win_probability_high),
        "pattern_mean_net_bps": nullable(alike.mean_net_bps),
    }


def pattern_strength(alike: Neighbourhoods) -> pa.Array:
    """`strong`: the interval lies above one half and the mean net above zero; `plausible`: both on average;
    `unproven`: neither; `unknown`: no similar trade."""
    earns = alike.mean_net_bps > 0
    strong = (alike.win_probability_low > 0.5) & earns
    plausible = (alike.win_probability > 0.5) & earns
    labels = np.select([alike.count == 0, strong, plausible], ["unknown", "strong", "plausible"], "unproven")
    return pa.array(labels.tolist(), pa.string())


def _entry_quality(trades: pa.Table) -> Floats:
    """Share of the excursion that was favourable: 1 where the price never went against the trade."""
    favourable = np.maximum(floats(trades, "max_favourable_bps"), 0.0)
    adverse = np.maximum(-floats(trades, "max_adverse_bps"), 0.0)
    span = favourable + adverse
    quality: Floats = np.divide(favourable, span, out=np.full(len(trades), np.nan), where=span > 0)
    return quality


def _entry_label(quality: Floats) -> pa.Array:
    labels = np.select([quality >= 0.8, quality >= 0.6], ["excellent", "good"], "fair")
    return pa.array(labels.tolist(), pa.string())


def _exit_quality(trades: pa.Table, ended: Booleans) -> Floats:
    """Net over best excursion, in 0..1; unknown where the session's end closed the trade."""
    best = floats(trades, "max_favourable_bps")
    share = np.divide(floats(trades, "net_bps"), best, out=np.full(len(trades), np.nan), where=best > 0)
    return np.where(ended, np.nan, np.clip(share, 0.0, 1.0))


def _rounded(values: Floats) -> pa.Array:
    """Probabilities as text in percent."""
    percent = nullable(np.round(values * 100.0))
    return sentences("{percent} %", {"percent": percent}, len(values))
