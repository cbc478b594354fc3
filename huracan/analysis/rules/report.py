"""The trials of a night's rules as tables: one row per rule, and the same figures beside each loss."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.outcome import day_column, floats, nullable
from huracan.analysis.rules.trials import RuleTrials
from huracan.analysis.rules.verdicts import NO_PAST, NO_RULE, judge_rules, paired_tests

_FIGURES = (
    ("days", pa.int64()),  # that were played again
    ("days_touched", pa.int64()),
    ("trades", pa.int64()),  # that ended otherwise, or were not made
    ("net_change_usd", pa.float64()),
    ("net_change_bps", pa.float64()),  # of what those trades had entered with
    ("losses_avoided", pa.int64()),
    ("wins_lost", pa.int64()),
    ("t_statistic", pa.float64()),  # paired, over the days that were played
)

RULES_SCHEMA = pa.schema(
    [
        ("day", pa.date32()),  # of the losses; the trial is of days before it
        ("rule", pa.string()),  # JSON: its kind and numbers
        ("kind", pa.string()),
        ("sentence", pa.string()),
        ("verdict", pa.string()),  # helped | hurt | no evidence | no past
        ("losses", pa.int64()),  # of the day, that suggest it
        ("losses_net_usd", pa.float64()),
        *_FIGURES,
        ("p_value", pa.float64()),
        ("adjusted_p_value", pa.float64()),  # for the number of rules of the night
        ("unknown_trades", pa.int64()),  # that it could not judge
        ("days_traded_otherwise", pa.int64()),  # by other rules, costs or candles than today's
        ("days_unusable", pa.int64()),
    ]
)
"""One row per distinct rule of a night, the best first."""

TRIAL_FIELDS = (
    ("rule_verdict", pa.string()),  # helped | hurt | no evidence | no rule | no past
    *((f"rule_{name}", kind) for name, kind in _FIGURES),
)


def untried(rules: pa.Array) -> dict[str, pa.Array]:
    """TRIAL_FIELDS of losses whose `rules` have not been tried."""
    verdict = pc.if_else(pc.is_valid(rules), NO_PAST, NO_RULE)
    empty = {name: pa.nulls(len(rules), kind) for name, kind in TRIAL_FIELDS}
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
    place = owner.filter(suggested).to_numpy().astype(np.int64)
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
        change_bps = np.where(notional_usd > 0, change_usd / notional_usd * 1e4, np.nan)
    columns = {
        "day": day_column(day, len(rules)),
        "rule": texts,
        "kind": [rule.kind for rule in rules],
        "sentence": [rule.sentence for rule in rules],
        "verdict": judge_rules(trials, tests),
        "losses": np.bincount(place, minlength=len(rules)),
        "losses_net_usd": np.bincount(place, weights=lost_usd, minlength=len(rules)),
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
    """`losses` with TRIAL_FIELDS from the rows of `rules` (RULES_SCHEMA); of no rule where they have none."""
    row = pc.index_in(losses["rule"], value_set=rules["rule"].combine_chunks())
    for name, kind in TRIAL_FIELDS:
        values = rules[name.removeprefix("rule_")].take(row)
        if name == "rule_verdict":
            values = pc.fill_null(values, NO_RULE)
        losses = losses.set_column(losses.schema.get_field_index(name), pa.field(name, kind), values)
    return losses.combine_chunks()
