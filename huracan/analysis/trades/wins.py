"""Why the day's winning trades won, as far as numbers can say. Losing trades are in `losses`."""

from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.memory.neighbourhood import Neighbourhoods
from huracan.analysis.outcome import (
    ENDINGS,
    IS_UNDECIDED,
    Booleans,
    Floats,
    day_column,
    floats,
    is_undecided,
    is_winning,
    net_scores,
    nullable,
)
from huracan.analysis.row_text import percentages, sentences
from huracan.analysis.trades.context_columns import (
    DRIVERS,
    LUCK,
    NEIGHBOURHOOD,
    NET_SCORE,
    driver_columns,
    luck_columns,
    neighbourhood_columns,
)
from huracan.analysis.trades.drivers import CONFIDENCE_MODEL, UNSKILLED_MODEL
from huracan.analysis.trades.repeat import is_beyond_luck, judge_repeat, say_repeat
from huracan.analysis.trades.trade_context import TradeContext
from huracan.market.ledger import TRADES_COLUMNS
from huracan.tables import DAY, FLAG, FLOAT, TEXT, Column, arrow_schema, chosen

WINS_COLUMNS = (
    DAY,
    *chosen(TRADES_COLUMNS, "trade_id", "symbol", "regime", "exit_reason"),
    IS_UNDECIDED,
    *chosen(TRADES_COLUMNS, "net_bps", "net_usd"),
    replace(DRIVERS[0], meaning=f"the five largest inputs, whichever way they point: {DRIVERS[0].meaning}"),
    *DRIVERS[1:],
    *NEIGHBOURHOOD,
    Column(
        "pattern_strength",
        TEXT,
        "of similar trades: strong (surely more wins than losses, and earning), plausible (so on average), "
        "unproven, or unknown (none)",
    ),
    NET_SCORE,
    *LUCK,
    Column("is_beyond_luck", FLAG, "better than 95 % of at least 20 entries by chance, by either percentile"),
    Column(
        "entry_quality",
        FLOAT,
        "favourable excursion over favourable and adverse; null where it never moved",
        "0 to 1",
    ),
    Column("entry_label", TEXT, "excellent (from 0.8 on), good (from 0.6 on) or fair"),
    Column("exit_quality", FLOAT, "net over the best excursion; null where is_end_of_session", "0 to 1"),
    Column("missed_bps", FLOAT, "best excursion less gross: given back before the exit", "bps"),
    Column("repeat", TEXT, "yes (beyond luck, and the pattern strong), no (as good by chance) or unproven"),
    Column("what_to_repeat", TEXT, "the same in a sentence"),
    Column("explanation", TEXT, "the win in two sentences"),
)
WINS_SCHEMA = arrow_schema(WINS_COLUMNS)
"""One row per winning closed trade, in the ledger's order."""

_TEXT = (
    "{symbol} made {net_bps} bps net ({exit_reason}) in regime {regime}, {net_score} standard deviations "
    "of noise, better than {percentile} of {luck_entries} entries by chance. {spoke} {drivers}. "
    "{similar_trades} similar trades, win probability {probability}: {pattern_strength}."
)
_SPOKE = {CONFIDENCE_MODEL: "Spoke most:", UNSKILLED_MODEL: "Spoke most, to a model without proven skill:"}
_STOOD_OUT = "Stood out:"


def analyse_wins(trades: pa.Table, context: TradeContext, day: date) -> pa.Table:
    """Rows WINS_SCHEMA for the trades with a net result above zero; `context` is of all `trades`."""
    won, alike, luck, drivers = is_winning(trades), context.alike, context.luck, context.drivers
    ended = is_undecided(trades)
    entry, left = _entry_quality(trades), _exit_quality(trades, ended)
    strength = pattern_strength(alike)
    columns: dict[str, pa.Array | pa.ChunkedArray] = {
        name: trades.column(name)
        for name in ("trade_id", "symbol", "regime", "exit_reason", "net_bps", "net_usd")
    }
    columns |= {
        "day": day_column(day, len(trades)),
        "is_end_of_session": pa.array(ended),
        **driver_columns(drivers, drivers.strongest),
        **neighbourhood_columns(alike),
        "pattern_strength": strength,
        "net_score": nullable(net_scores(trades)),
        **luck_columns(luck),
        "is_beyond_luck": pa.array(is_beyond_luck(luck)),
        "entry_quality": nullable(entry),
        "entry_label": _entry_label(entry),
        "exit_quality": nullable(left),
        "missed_bps": nullable(floats(trades, "max_favourable_bps") - floats(trades, "gross_bps")),
        "repeat": judge_repeat(luck, alike, strength),
    }
    spoken = {
        **columns,
        "side": trades.column("side"),
        "drivers": drivers.named,
        "spoke": pa.array([_SPOKE.get(each, _STOOD_OUT) for each in drivers.source.to_pylist()], pa.string()),
        "probability": percentages(alike.win_probability * 100.0),
        "percentile": percentages(luck.surely_beaten),
        "exit": _exit_text(left, trades.column("exit_reason")),
    }
    columns["what_to_repeat"] = say_repeat(columns["repeat"], spoken)
    columns["explanation"] = sentences(_TEXT, spoken, len(trades))
    table = pa.table({name: columns[name] for name in WINS_SCHEMA.names}).cast(WINS_SCHEMA)
    return table.filter(pa.array(won)).combine_chunks()


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
    """Net over best excursion, in 0..1; unknown where neither a decision nor a rule closed the trade."""
    best = floats(trades, "max_favourable_bps")
    share = np.divide(floats(trades, "net_bps"), best, out=np.full(len(trades), np.nan), where=best > 0)
    return np.where(ended, np.nan, np.clip(share, 0.0, 1.0))


def _exit_text(quality: Floats, reasons: pa.ChunkedArray) -> pa.Array:
    share = {"share": percentages(quality * 100.0)}
    kept = sentences("exit kept {share} of the best excursion", share, len(quality))
    said = pa.array([ENDINGS.get(reason) for reason in reasons.to_pylist()], pa.string())
    return pc.coalesce(said, kept)
