"""What rules changed, as figures beside the losses: sums by hand, and what may be said of them."""

import json
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import ttest_1samp

from huracan.analysis.rules.avoidance import distinct_rules
from huracan.analysis.rules.report import RULES_SCHEMA, rules_table, with_trials
from huracan.analysis.rules.trials import RuleTrials, UnusableDay, try_rules
from huracan.analysis.rules.verdicts import paired_tests
from huracan.analysis.trades.checks import judge_rules_tried
from huracan.market.actions import ENTER_FULL_INDEX, EXIT_INDEX
from tests.huracan.analysis.shadow_days import DAY, FREE, WIDE, day_block, days_before, flat_closes
from tests.huracan.analysis.test_losses import MADE_FOR
from tests.huracan.analysis.test_rule_trials import past


def test_the_statistic_is_that_of_a_paired_t_test() -> None:
    differences = np.random.default_rng(1).normal(0.4, 1.0, (3, 30))
    tests = paired_tests(differences)
    expected = ttest_1samp(differences, 0.0, axis=1)
    assert tests.t_statistic == pytest.approx(expected.statistic)
    assert tests.p_value == pytest.approx(expected.pvalue)


def test_one_lucky_day_is_no_evidence_however_much_it_brought() -> None:
    differences = np.zeros((2, 30))
    differences[0, 4], differences[1, :] = 1e6, 0.0
    tests = paired_tests(differences)
    assert tests.t_statistic[0] == pytest.approx(1.0) and np.isnan(tests.t_statistic[1])
    assert tests.p_value[0] > 0.3 and np.isnan(tests.adjusted_p_value[1])


def test_the_more_rules_the_more_is_asked_of_each() -> None:
    # p of 0.01, 0.02, 0.03 and one that says nothing: Holm takes three, two and one time, never falling.
    days = 10
    wanted = (0.03, 0.01, 0.02)
    rows = []
    for chance in wanted:
        base = np.arange(days) - (days - 1) / 2
        low, high = 0.0, 50.0
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (middle, high) if ttest_1samp(base + middle, 0.0).pvalue > chance else (low, middle)
        rows.append(base + low)
    tests = paired_tests(np.array([*rows, np.zeros(days)]))
    assert tests.p_value[:3] == pytest.approx([0.03, 0.01, 0.02])
    assert tests.adjusted_p_value[:3] == pytest.approx([0.04, 0.03, 0.04])
    assert np.isnan(tests.adjusted_p_value[3])


def test_of_rules_that_do_nothing_hardly_any_is_called_a_help() -> None:
    generator, called = np.random.default_rng(7), 0
    for _ in range(200):
        differences = np.where(generator.random((20, 30)) < 0.4, generator.standard_normal((20, 30)), 0.0)
        called += bool((paired_tests(differences).adjusted_p_value <= 0.05).any())
    # At most one night in twenty, and room for chance.
    assert called <= 18


def _days(count: int, lossy: bool = True):
    """Days of two trades: one that loses 30 to 41 bps at a volatility of 10, one that gains 20 at 40."""
    found = []
    for number, day in enumerate(days_before(count)):
        close = flat_closes()
        if lossy:
            close[0, 110:300] -= 0.3 + 0.01 * (number % 12)
        close[0, 420:] += 0.2
        volatility = np.where(np.arange(close.size) < 300, 10.0, 40.0)
        script = {
            (0, 100): ENTER_FULL_INDEX,
            (0, 150): EXIT_INDEX,
            (0, 400): ENTER_FULL_INDEX,
            (0, 450): EXIT_INDEX,
        }
        found.append(past(day_block(close, day, volatility_bps=volatility), script))
    return found


STRIKE = {"kind": "leave_aged", "minutes": 5}


def _losses(make_trades, lose, bars_to_best: int = 3) -> pa.Table:
    """Three losses of the day: two suggest to leave at bar 5, one nothing."""
    from huracan.candles.schema import day_start

    def held(number: int) -> dict:
        at = day_start(DAY) + timedelta(minutes=10 * number + bars_to_best)
        return MADE_FOR["held_too_long"] | {"max_favourable_time": at}

    return lose(make_trades(held(0), {}, held(2)))


def test_a_rule_that_removes_a_planted_loss_shows_the_gain_worked_out_by_hand(make_trades, lose) -> None:
    losses = _losses(make_trades, lose)
    rules = distinct_rules(losses["rule"])
    assert [json.loads(rule.text) for rule in rules] == [STRIKE]
    days = _days(12)
    trials = try_rules(rules, days, DAY, WIDE, FREE)
    table = rules_table(losses, trials, DAY)
    row = table.to_pylist()[0]
    assert table.schema == RULES_SCHEMA and table.num_rows == 1
    # The loss is left at 100 before the fall; the gain of the other trade (10 bars on) is missed too.
    gained = sum(1000 * (0.3 + 0.01 * number) / 100 for number in range(12)) - 12 * 2.0
    assert row["net_change_usd"] == pytest.approx(gained)
    assert row["net_change_bps"] == pytest.approx(gained / 24_000 * 1e4)
    assert (row["days"], row["days_touched"], row["trades"]) == (12, 12, 24)
    # A trade that ends at 0 neither loses, by the ledger's reckoning, nor wins: it is no loss avoided.
    assert (row["losses_avoided"], row["wins_lost"]) == (0, 12)
    differences = [1000 * (0.3 + 0.01 * number) / 100 - 2.0 for number in range(12)]
    assert row["t_statistic"] == pytest.approx(ttest_1samp(differences, 0.0).statistic)
    assert row["verdict"] == "helped" and row["losses"] == 2
    assert row["losses_net_usd"] == pytest.approx(2 * losses["net_usd"][0].as_py())
    full = with_trials(losses, table)
    assert full.schema == losses.schema
    assert full["rule_verdict"].to_pylist() == ["helped", "no rule", "helped"]
    assert full["rule_net_change_usd"].to_pylist() == [pytest.approx(gained), None, pytest.approx(gained)]
    assert full["rule_days"].to_pylist() == [12, None, 12]
    assert judge_rules_tried(full, table, trials).passed


def test_the_same_rule_hurts_where_only_the_gain_is_there(make_trades, lose) -> None:
    losses = _losses(make_trades, lose)
    days = _days(12, lossy=False)
    # Gains of equal size have no spread to measure by: one day is different.
    days[3] = _days(12)[3]
    trials = try_rules(distinct_rules(losses["rule"]), days, DAY, WIDE, FREE)
    row = rules_table(losses, trials, DAY).to_pylist()[0]
    assert row["verdict"] == "hurt" and row["net_change_usd"] < 0 and row["t_statistic"] < 0


@pytest.mark.parametrize(
    ("days", "verdict"), [(0, "no past"), (1, "no evidence"), (4, "no evidence"), (5, "helped")]
)
def test_few_days_are_no_evidence_and_none_at_all_are_said(make_trades, lose, days, verdict) -> None:
    losses = _losses(make_trades, lose)
    trials = try_rules(distinct_rules(losses["rule"]), _days(days), DAY, WIDE, FREE)
    table = rules_table(losses, trials, DAY)
    full = with_trials(losses, table)
    assert full["rule_verdict"].to_pylist() == [verdict, "no rule", verdict]
    is_known = days > 0
    for name in ("rule_net_change_usd", "rule_trades", "rule_losses_avoided", "rule_days_touched"):
        assert (full[name][0].as_py() is not None) == is_known
    checked = judge_rules_tried(full, table, trials)
    assert checked.passed and checked.numbers["days_played"] == days


def test_losses_without_any_rule_and_days_without_losses_pass(make_trades, lose) -> None:
    for losses in (lose(make_trades({})), lose(make_trades())):
        trials = try_rules([], _days(2), DAY, WIDE, FREE)
        table = rules_table(losses, trials, DAY)
        full = with_trials(losses, table)
        assert table.num_rows == 0 and full.equals(losses)
        assert judge_rules_tried(full, table, trials).passed


def test_the_best_rule_stands_first(make_trades, lose) -> None:
    losses = lose(
        make_trades(MADE_FOR["regime_change"], MADE_FOR["held_too_long"], MADE_FOR["volatility_shock"])
    )
    rules = distinct_rules(losses["rule"])
    generator = np.random.default_rng(2)
    strengths = {"leave_regime": 2.0, "leave_aged": -2.0, "leave_volatile": 0.0}
    by_rule = [generator.normal(strengths[rule.kind], 1.0, 20) for rule in rules]
    trials = _trials(rules, np.array(by_rule))
    table = rules_table(losses, trials, DAY)
    assert [rule.kind for rule in rules] == ["leave_aged", "leave_regime", "leave_volatile"]
    assert table["kind"].to_pylist() == ["leave_regime", "leave_volatile", "leave_aged"]
    assert table["verdict"].to_pylist() == ["helped", "no evidence", "hurt"]
    full = with_trials(losses, table)
    assert full["rule_verdict"].to_pylist() == ["helped", "hurt", "no evidence"]


def _trials(rules, net_usd: np.ndarray) -> RuleTrials:
    from huracan.analysis.rules.variants import Difference

    days = tuple(days_before(net_usd.shape[1]))
    by_day = tuple(tuple(Difference(float(x), 1, 1000.0, 0, 0, 0) for x in column) for column in net_usd.T)
    return RuleTrials(tuple(rules), days, by_day, (), ())


def test_a_verdict_that_is_missing_or_made_up_fails_the_check_and_lost_days_are_named(
    make_trades, lose
) -> None:
    losses = _losses(make_trades, lose)
    past_days = [*_days(6), UnusableDay(DAY - timedelta(days=9), "There are no candles.")]
    trials = try_rules(distinct_rules(losses["rule"]), past_days, DAY, WIDE, FREE)
    table = rules_table(losses, trials, DAY)
    full = with_trials(losses, table)
    told = judge_rules_tried(full, table, trials)
    assert told.passed and "2023-05-24 cannot be played again: There are no candles." in told.reason
    assert (told.numbers["days_unusable"], told.numbers["rules_helped"]) == (1, 1)
    index = full.schema.get_field_index("rule_verdict")
    for verdicts in (
        ["helped", "helped", "helped"],
        ["helped", "no rule", None],
        ["helped", "no rule", "fine"],
    ):
        wrong = full.set_column(index, "rule_verdict", pa.array(verdicts))
        assert not judge_rules_tried(wrong, table, trials).passed
    assert not judge_rules_tried(full, table.slice(1), trials).passed
    assert not judge_rules_tried(full, pa.concat_tables([table, table]), trials).passed
