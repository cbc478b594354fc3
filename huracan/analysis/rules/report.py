"""The trials of a night's rules as tables: one row per rule, and the same figures beside each loss."""

from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.outcome import day_column, floats, nullable
from huracan.analysis.rules.trials import RuleTrials
from huracan.analysis.rules.verdicts import NO_PAST, NO_RULE, judge_rules, paired_tests
from huracan.tables import DATE, FLOAT, INTEGER, TEXT, Column, arrow_schema
from huracan.units import WHOLE_BPS

_FIGURES = (
    Column("days", INTEGER, "days before that were played again with the rule and without", "days"),
    Column("days_touched", INTEGER, "of them those on which it changed a trade; null without a day", "days"),
    Column("trades", INTEGER, "trades that ended otherwise under it, or were not made; null without a day"),
    Column("net_change_usd", FLOAT, "net with the rule less that without; null without a day", "USD"),
    Column(
        "net_change_bps",
        FLOAT,
        "the same, of what the changed trades had entered with; null without one",
        "bps",
    ),
    Column("losses_avoided", INTEGER, "losing trades that do not lose any more; null without a day"),
    Column("wins_lost", INTEGER, "winning trades that do not win any more; null without a day"),
    Column(
        "t_statistic",
        FLOAT,
        "of the mean change a day, paired; null of fewer than two days, or none that differ",
    ),
)
_VERDICT = Column(
    "verdict", TEXT, "helped, hurt, no evidence (may be chance) or no past (no day to try it on)"
)

RULES_COLUMNS = (
    Column("day", DATE, "day of the losses; the trial is of days before it", "UTC day"),
    Column("rule", TEXT, "kind and numbers: its identity", "JSON"),
    Column("kind", TEXT, "such as skip_costly, leave_aged or widen_stop"),
    Column("sentence", TEXT, "the rule in words"),
    _VERDICT,
    Column("losses", INTEGER, "losses of the day that suggest it"),
    Column("losses_net_usd", FLOAT, "their net", "USD"),
    *_FIGURES,
    Column("p_value", FLOAT, "two-sided, by Student's distribution; null as t_statistic", "0 to 1"),
    Column(
        "adjusted_p_value",
        FLOAT,
        "Holm's, for the number of rules of the night; null as t_statistic",
        "0 to 1",
    ),
    Column("unknown_trades", INTEGER, "entries that it could not judge; null without a day"),
    Column(
        "days_traded_otherwise",
        INTEGER,
        "days before left out: traded by other rules, costs or candles",
        "days",
    ),
    Column("days_unusable", INTEGER, "days before that could not be played again", "days"),
)
RULES_SCHEMA = arrow_schema(RULES_COLUMNS)
"""One row per distinct rule of a night, the best first."""

TRIALS = (
    Column("rule_verdict", TEXT, f"of the rule: {_VERDICT.meaning}, or no rule (the loss suggests none)"),
    *(
        replace(column, name=f"rule_{column.name}", meaning=f"{column.meaning}; null without a rule")
        for column in _FIGURES
    ),
)
"""What the rule of a loss would have done on the days before."""


def untried(rules: pa.Array) -> dict[str, pa.Array]:
    """TRIALS of losses whose `rules` have not been tried."""
    verdict = pc.if_else(pc.is_valid(rules), NO_PAST, NO_RULE)
    empty = {column.name: pa.nulls(len(rules), column.type) for column in TRIALS}
    return empty | {"rule_verdict": verdict}


def rules_table(losses: pa.Table, trials: RuleTrials, day: date) -> pa.Table:
    """RULES_SCHEMA of the rules that `losses` (LOSSES_SCHEMA of `day`) suggest, tried by `trials`."""
    rules, days = trials.rules, len(trials.days)
    tests = paired_tests(trials.of("net_usd"))
    change_usd, notional_usd = trials.of("net_usd").sum(axis=1), trials.of("notional_usd").sum(axis=1)
    touched = trials.of("trades")
    texts = pa.array([rule.text for rule in rules], pa.string())
    owner = pc.index_in(losses["rule"], value_set=texts)
    suggested = pc.is_valid(owner)
    index = owner.filter(suggested).to_numpy().astype(np.int64)
    lost_usd = floats(losses.filter(suggested), "net_usd")
    known = np.full(len(rules), days > 0)
    counts = {
        "days_touched": (touched > 0).sum(axis=1),
        "trades": touched.sum(axis=1),
        "losses_avoided": trials.of("losses_avoided").sum(axis=1),
        "wins_lost": trials.of("wins_lost").sum(axis=1),
        "unknown_trades": trials.of("unknown_trades").sum(axis=1),
    }
    with np.errstate(invalid="ignore", divide="ignore"):
        change_bps = np.where(notional_usd > 0, change_usd / notional_usd * WHOLE_BPS, np.nan)
    columns = {
        "day": day_column(day, len(rules)),
        "rule": texts,
        "kind": [rule.kind for rule in rules],
        "sentence": [rule.sentence for rule in rules],
        "verdict": judge_rules(trials, tests),
        "losses": np.bincount(index, minlength=len(rules)),
        "losses_net_usd": np.bincount(index, weights=lost_usd, minlength=len(rules)),
        "days": np.full(len(rules), days),
        **{name: pa.array(values.astype(np.int64), mask=~known) for name, values in counts.items()},
        "net_change_usd": pa.array(change_usd, mask=~known),
        "net_change_bps": nullable(change_bps),
        "t_statistic": nullable(tests.t_statistic),
        "p_value": nullable(tests.p_value),
        "adjusted_p_value": nullable(tests.adjusted_p_value),
        "days_traded_otherwise": np.full(len(rules), len(trials.otherwise_traded)),
        "days_unusable": np.full(len(rules), len(trials.unusable)),
    }
    table = pa.table({field.name: pa.array(columns[field.name], field.type) for field in RULES_SCHEMA})
    best = [("t_statistic", "descending"), ("net_change_usd", "descending"), ("rule", "ascending")]
    return table.take(pc.sort_indices(table, sort_keys=best)).combine_chunks()


def with_trials(losses: pa.Table, rules: pa.Table) -> pa.Table:
    """`losses` with TRIALS from the rows of `rules` (RULES_SCHEMA); of no rule where they have none."""
    row = pc.index_in(losses["rule"], value_set=rules["rule"].combine_chunks())
    for column in TRIALS:
        values = rules[column.name.removeprefix("rule_")].take(row)
        if column.name == "rule_verdict":
            values = pc.fill_null(values, NO_RULE)
        index = losses.schema.get_field_index(column.name)
        losses = losses.set_column(index, pa.field(column.name, column.type), values)
    return losses.combine_chunks()
