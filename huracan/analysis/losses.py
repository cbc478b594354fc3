"""Why the day's losing trades lost: one primary reason each, further ones, and the numbers behind them.

The reasons themselves are in `loss_reasons`, the numbers that they judge in `loss_cases`.
"""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.loss_cases import LossCases, LossRules, gather_loss_cases
from huracan.analysis.loss_reasons import BAD_LUCK, LOSS_REASONS, REASON_NAMES, Finding
from huracan.analysis.neighbourhood import judge_neighbourhoods
from huracan.analysis.outcome import (
    Floats,
    Integers,
    day_column,
    is_end_of_session,
    is_winning,
    nullable,
)
from huracan.analysis.row_text import json_lists, json_objects, json_values, sentences
from huracan.analysis.wins import neighbourhood_columns
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
        ("avoidance_rule", pa.string()),
        ("net_score", pa.float64()),  # net in standard deviations of a random walk over the holding time
        ("similar_trades", pa.int64()),
        ("effective_similar_trades", pa.float64()),
        ("pattern_win_probability", pa.float64()),
        ("pattern_win_probability_low", pa.float64()),
        ("pattern_win_probability_high", pa.float64()),
        ("pattern_mean_net_bps", pa.float64()),
    ]
)
"""One row per losing closed trade (net result not above zero), in the ledger's order."""


def analyse_losses(
    trades: pa.Table,
    neighbours: pa.Table,
    day: date,
    timeframe: Timeframe,
    ohlcv: pa.Table | None = None,
    rules: LossRules | None = None,
) -> pa.Table:
    """Rows LOSSES_SCHEMA for the trades with a net result of zero or below.

    `neighbours` (NEIGHBOURS_SCHEMA) must have been searched with all of `trades`: its `query` is the row in
    `trades`, and each query's `as_of` was that trade's signal time. `ohlcv`: the candles of `day`, which show
    whether the price came back after a stop; bars after `day` 24:00 are not looked at.
    """
    rules = rules or LossRules()
    lost = ~is_winning(trades)
    alike = judge_neighbourhoods(neighbours, len(trades))
    cases = gather_loss_cases(trades, alike, ohlcv, day, timeframe, rules)
    findings = [reason.judge(cases, rules) for reason in LOSS_REASONS]
    holds = np.column_stack([finding.holds for finding in findings])
    holds[:, REASON_NAMES.index(BAD_LUCK.name)] = ~holds[:, :-1].any(axis=1)
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
        **neighbourhood_columns(alike),
    }
    table = pa.table({name: columns[name] for name in LOSSES_SCHEMA.names}).cast(LOSSES_SCHEMA)
    return table.filter(pa.array(lost)).combine_chunks()


def _reason_texts(findings: list[Finding], holds: np.ndarray, primary: Integers) -> dict[str, pa.Array]:
    """The columns further_reasons, evidence and avoidance_rule, from all reasons that hold."""
    rows = len(primary)
    first: list[pa.Array] = []
    further: list[pa.Array] = []
    names: list[pa.Array] = []
    rules: list[pa.Array] = []
    empty = pa.scalar(None, pa.string())
    for place, (reason, finding) in enumerate(zip(LOSS_REASONS, findings, strict=True)):
        is_primary = pa.array(primary == place)
        is_further = pa.array(holds[:, place] & (primary != place))
        label = pa.array([reason.name] * rows, pa.string())
        text = json_objects({"reason": label, **finding.evidence}, rows)
        first.append(pc.if_else(is_primary, text, empty))
        further.append(pc.if_else(is_further, text, empty))
        names.append(pc.if_else(is_further, json_values(label), empty))
        rules.append(pc.if_else(is_primary, sentences(reason.avoidance, finding.evidence, rows), empty))
    return {
        "further_reasons": json_lists(names, rows),
        "evidence": json_lists([*first, *further], rows),
        "avoidance_rule": pc.coalesce(*rules),
    }


def _severity(cases: LossCases) -> pa.Array:
    """`severe` beyond two standard deviations of noise, `moderate` beyond one, else `minor`."""
    score: Floats = cases.net_score
    labels = np.select([score <= -2.0, score <= -1.0], ["severe", "moderate"], "minor")
    return pa.array(labels.tolist(), pa.string())
