"""Why the day's losing trades lost: one primary reason each, further ones, the numbers behind them, and the
rule that the primary reason suggests.

The reasons are in `loss_reasons`, the numbers that they judge in `loss_cases`, and what the rules would have
done in `analysis.rules.trials`.
"""

from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.outcome import (
    IS_UNDECIDED,
    Booleans,
    Floats,
    Integers,
    day_column,
    is_undecided,
    is_winning,
    nullable,
)
from huracan.analysis.row_text import json_lists, json_objects, json_values, sentences
from huracan.analysis.rules.avoidance import rule_sentences
from huracan.analysis.rules.report import TRIALS, untried
from huracan.analysis.trades.config import LossLimits
from huracan.analysis.trades.context_columns import (
    DRIVERS,
    LUCK,
    NEIGHBOURHOOD,
    NET_SCORE,
    driver_columns,
    luck_columns,
    neighbourhood_columns,
)
from huracan.analysis.trades.loss_cases import BarLengths, LossCases, gather_loss_cases
from huracan.analysis.trades.loss_reasons import LOSS_REASONS, REASON_NAMES, Finding
from huracan.analysis.trades.trade_context import TradeContext
from huracan.market.ledger import TRADES_COLUMNS
from huracan.tables import DAY, FLAG, TEXT, Column, arrow_schema, chosen

LOSSES_COLUMNS = (
    DAY,
    *chosen(TRADES_COLUMNS, "trade_id", "symbol", "regime", "exit_reason"),
    IS_UNDECIDED,
    *chosen(TRADES_COLUMNS, "net_bps", "net_usd"),
    Column("primary_reason", TEXT, f"the first that holds of {', '.join(REASON_NAMES)}"),
    Column("further_reasons", TEXT, "list of the others that hold", "JSON"),
    Column("evidence", TEXT, "list of {reason, its numbers}, the primary one first", "JSON"),
    Column("severity", TEXT, "by net_score: minor, moderate (-1 or less) or severe (-2 or less)"),
    Column(
        "is_preventable", FLAG, "a rule known at the entry or during the trade could have avoided such a loss"
    ),
    Column("avoidance_rule", TEXT, "what would have avoided it, in words; or why there is no rule"),
    Column("rule", TEXT, "the same as kind and numbers; null where the primary reason suggests none", "JSON"),
    *TRIALS,
    NET_SCORE,
    *LUCK,
    replace(DRIVERS[0], meaning=f"the five inputs that spoke most for the trade: {DRIVERS[0].meaning}"),
    *DRIVERS[1:],
    *NEIGHBOURHOOD,
)
LOSSES_SCHEMA = arrow_schema(LOSSES_COLUMNS)
"""One row per losing closed trade (net result not above zero), in the ledger's order."""

_NONE = pa.nulls(1, pa.string())[0]
"""`pa.scalar` would import pandas, as all that turns Python values into Arrow does, at every start."""


def analyse_losses(
    trades: pa.Table,
    context: TradeContext,
    day: date,
    lengths: BarLengths,
    ohlcv: pa.Table | None = None,
    limits: LossLimits | None = None,
) -> pa.Table:
    """Rows LOSSES_SCHEMA for the trades with a net result of zero or below, their rules not tried yet.

    `context` is of all `trades`. `ohlcv`: the candles of `day`, which show the first bars, and whether the
    price came back after a stop; bars after `day` 24:00 are not looked at.
    """
    limits = limits or LossLimits()
    lost = ~is_winning(trades)
    cases = gather_loss_cases(trades, context, ohlcv, day, lengths, limits)
    findings = [reason.judge(cases, limits) for reason in LOSS_REASONS]
    holds = _holds(findings)
    primary = np.argmax(holds, axis=1).astype(np.int64)
    columns: dict[str, pa.Array | pa.ChunkedArray] = {
        name: trades.column(name)
        for name in ("trade_id", "symbol", "regime", "exit_reason", "net_bps", "net_usd")
    }
    columns |= {
        "day": day_column(day, len(trades)),
        "is_end_of_session": pa.array(is_undecided(trades)),
        "primary_reason": pa.array(REASON_NAMES, pa.string()).take(pa.array(primary)),
        "severity": _severity(cases),
        "is_preventable": pa.array(np.array([r.is_preventable for r in LOSS_REASONS])[primary]),
        "net_score": nullable(cases.net_score),
        **_reason_texts(findings, holds, primary),
        **_rule_texts(findings, primary, cases, limits),
        **luck_columns(context.luck),
        **driver_columns(context.drivers, context.drivers.speaking_for),
        **neighbourhood_columns(context.alike),
    }
    columns |= untried(columns["rule"])
    table = pa.table({name: columns[name] for name in LOSSES_SCHEMA.names}).cast(LOSSES_SCHEMA)
    return table.filter(pa.array(lost)).combine_chunks()


def _holds(findings: list[Finding]) -> Booleans:
    """[trades, reasons] those of last resort only where no other one holds."""
    holds: Booleans = np.column_stack([finding.holds for finding in findings])
    is_last = np.array([reason.is_last_resort for reason in LOSS_REASONS], dtype=bool)
    has_other = np.any(holds[:, ~is_last], axis=1)
    return np.asarray(holds & ~(is_last & has_other[:, None]))


def _reason_texts(findings: list[Finding], holds: Booleans, primary: Integers) -> dict[str, pa.Array]:
    """The columns further_reasons and evidence, from all reasons that hold."""
    rows = len(primary)
    first: list[pa.Array] = []
    further: list[pa.Array] = []
    names: list[pa.Array] = []
    for index, (reason, finding) in enumerate(zip(LOSS_REASONS, findings, strict=True)):
        is_further = pa.array(holds[:, index] & (primary != index))
        label = pa.array([reason.name] * rows, pa.string())
        text = json_objects({"reason": label, **finding.evidence}, rows)
        first.append(pc.if_else(pa.array(primary == index), text, _NONE))
        further.append(pc.if_else(is_further, text, _NONE))
        names.append(pc.if_else(is_further, json_values(label), _NONE))
    return {"further_reasons": json_lists(names, rows), "evidence": json_lists([*first, *further], rows)}


def _rule_texts(
    findings: list[Finding], primary: Integers, cases: LossCases, limits: LossLimits
) -> dict[str, pa.Array]:
    """The columns rule and avoidance_rule, of the primary reason."""
    rows = len(primary)
    texts, unruled = pa.nulls(rows, pa.string()), pa.nulls(rows, pa.string())
    for index, (reason, finding) in enumerate(zip(LOSS_REASONS, findings, strict=True)):
        is_primary = pa.array(primary == index)
        unruled = pc.if_else(is_primary, sentences(reason.unruled, finding.evidence, rows), unruled)
        if reason.suggest is not None:
            texts = pc.if_else(is_primary, reason.suggest(cases, limits), texts)
    return {"rule": texts, "avoidance_rule": pc.coalesce(rule_sentences(texts), unruled)}


def _severity(cases: LossCases) -> pa.Array:
    """`severe` beyond two standard deviations of noise, `moderate` beyond one, else `minor`."""
    score: Floats = cases.net_score
    labels = np.select([score <= -2.0, score <= -1.0], ["severe", "moderate"], "minor")
    return pa.array(labels.tolist(), pa.string())
