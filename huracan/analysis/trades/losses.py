"""Why the day's losing trades lost: one primary reason each, further ones, the numbers behind them, and the
rule that the primary reason suggests.

The reasons are in `loss_reasons`, the numbers that they judge in `loss_cases`, and what the rules would have
done in `rule_trials`.
"""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.memory.neighbourhood import judge_neighbourhoods
from huracan.analysis.outcome import (
    Booleans,
    Floats,
    Integers,
    day_column,
    is_end_of_session,
    is_winning,
    milliseconds,
    nullable,
)
from huracan.analysis.row_text import json_lists, json_objects, json_values, sentences
from huracan.analysis.rules.avoidance import rule_sentences
from huracan.analysis.rules.report import TRIAL_FIELDS, untried
from huracan.analysis.trades.context_columns import (
    DRIVER_FIELDS,
    LUCK_FIELDS,
    NEIGHBOURHOOD_FIELDS,
    driver_columns,
    luck_columns,
    neighbourhood_columns,
)
from huracan.analysis.trades.drivers import Drivers
from huracan.analysis.trades.loss_cases import LossCases, LossRules, gather_loss_cases
from huracan.analysis.trades.loss_reasons import LOSS_REASONS, REASON_NAMES, Finding
from huracan.analysis.trades.luck import Luck
from huracan.candles.schema import Timeframe

LOSSES_SCHEMA = pa.schema(
    [
        ("day", pa.date32()),
        ("trade_id", pa.string()),
        ("symbol", pa.string()),
        ("regime", pa.string()),
        ("exit_reason", pa.string()),
        ("is_end_of_session", pa.bool_()),
        ("net_bps", pa.float64()),
        ("net_usd", pa.float64()),
        ("primary_reason", pa.string()),
        ("further_reasons", pa.string()),  # JSON list of names
        ("evidence", pa.string()),  # JSON list of {reason, and its numbers}, the primary one first
        ("severity", pa.string()),  # minor | moderate | severe
        ("is_preventable", pa.bool_()),
        ("avoidance_rule", pa.string()),  # in words
        ("rule", pa.string()),  # the same as JSON; null where the primary reason suggests none
        *TRIAL_FIELDS,  # what the rule would have done on the days before
        ("net_score", pa.float64()),  # net in standard deviations of a random walk over the holding time
        *LUCK_FIELDS,
        *DRIVER_FIELDS,  # the five largest of those that spoke for the trade
        *NEIGHBOURHOOD_FIELDS,
    ]
)
"""One row per losing closed trade (net result not above zero), in the ledger's order."""

_NONE = pa.scalar(None, pa.string())


def analyse_losses(
    trades: pa.Table,
    neighbours: pa.Table,
    drivers: Drivers,
    luck: Luck,
    day: date,
    timeframe: Timeframe,
    ohlcv: pa.Table | None = None,
    rules: LossRules | None = None,
) -> pa.Table:
    """Rows LOSSES_SCHEMA for the trades with a net result of zero or below, their rules not tried yet.

    `neighbours` (NEIGHBOURS_SCHEMA) must have been searched with all of `trades`: its `query` is the row in
    `trades`, and each query's `as_of` was that trade's signal time. `drivers` and `luck` are of all `trades`
    too. `ohlcv`: the candles of `day`, which show the first bars, and whether the price came back after a
    stop; bars after `day` 24:00 are not looked at.
    """
    rules = rules or LossRules()
    lost = ~is_winning(trades)
    alike = judge_neighbourhoods(neighbours, milliseconds(trades, "signal_time"))
    cases = gather_loss_cases(trades, alike, luck, ohlcv, day, timeframe, rules)
    findings = [reason.judge(cases, rules) for reason in LOSS_REASONS]
    holds = _holds(findings)
    primary = np.argmax(holds, axis=1).astype(np.int64)
    columns: dict[str, pa.Array | pa.ChunkedArray] = {
        name: trades.column(name)
        for name in ("trade_id", "symbol", "regime", "exit_reason", "net_bps", "net_usd")
    }
    columns |= {
        "day": day_column(day, len(trades)),
        "is_end_of_session": pa.array(is_end_of_session(trades)),
        "primary_reason": pa.array(REASON_NAMES, pa.string()).take(pa.array(primary)),
        "severity": _severity(cases),
        "is_preventable": pa.array(np.array([r.is_preventable for r in LOSS_REASONS])[primary]),
        "net_score": nullable(cases.net_score),
        **_reason_texts(findings, holds, primary),
        **_rule_texts(findings, primary, cases, rules),
        **luck_columns(luck),
        **driver_columns(drivers, drivers.speaking_for),
        **neighbourhood_columns(alike),
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
    for place, (reason, finding) in enumerate(zip(LOSS_REASONS, findings, strict=True)):
        is_further = pa.array(holds[:, place] & (primary != place))
        label = pa.array([reason.name] * rows, pa.string())
        text = json_objects({"reason": label, **finding.evidence}, rows)
        first.append(pc.if_else(pa.array(primary == place), text, _NONE))
        further.append(pc.if_else(is_further, text, _NONE))
        names.append(pc.if_else(is_further, json_values(label), _NONE))
    return {"further_reasons": json_lists(names, rows), "evidence": json_lists([*first, *further], rows)}


def _rule_texts(
    findings: list[Finding], primary: Integers, cases: LossCases, rules: LossRules
) -> dict[str, pa.Array]:
    """The columns rule and avoidance_rule, of the primary reason."""
    rows = len(primary)
    texts, unruled = pa.nulls(rows, pa.string()), pa.nulls(rows, pa.string())
    for place, (reason, finding) in enumerate(zip(LOSS_REASONS, findings, strict=True)):
        is_primary = pa.array(primary == place)
        unruled = pc.if_else(is_primary, sentences(reason.unruled, finding.evidence, rows), unruled)
        if reason.suggest is not None:
            texts = pc.if_else(is_primary, reason.suggest(cases, rules), texts)
    return {"rule": texts, "avoidance_rule": pc.coalesce(rule_sentences(texts), unruled)}


def _severity(cases: LossCases) -> pa.Array:
    """`severe` beyond two standard deviations of noise, `moderate` beyond one, else `minor`."""
    score: Floats = cases.net_score
    labels = np.select([score <= -2.0, score <= -1.0], ["severe", "moderate"], "minor")
    return pa.array(labels.tolist(), pa.string())
