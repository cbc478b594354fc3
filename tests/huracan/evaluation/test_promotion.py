from dataclasses import replace

import numpy as np
import pytest

from huracan.errors import InvalidInput
from huracan.evaluation.promotion import (
    BrainEvidence,
    Incomparable,
    PromotionConfig,
    judge_brain,
    out_of_sample_verdict,
)


def good_evidence() -> BrainEvidence:
    generator = np.random.default_rng(1)
    return BrainEvidence(
        returns_bps=generator.normal(3.0, 10.0, 400),
        trades=120,
        net_usd=250.0,
        random_net_usd=generator.normal(-100.0, 40.0, 200),
        trials=20,
        is_simulated=False,
        last_brain_net_usd=200.0,
        trailing_drawdown_pct=3.0,
    )


def test_a_brain_that_meets_every_criterion_is_promoted_and_says_what_it_passed() -> None:
    verdict = judge_brain(good_evidence())
    assert verdict.promoted and verdict.live_eligible
    assert len(verdict.reasons) == 6
    said = (
        "are enough",
        "and beat doing",
        "It beat 100.0 %",
        "no less than the last",
        "is more than",
        "fell by 3.0 %",
    )
    assert all(words in reason for words, reason in zip(said, verdict.reasons, strict=True))
    assert verdict.numbers["deflated_sharpe"] > 0.95


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"trades": 29}, "29 held-out trades"),
        ({"net_usd": 0.0, "last_brain_net_usd": None}, "did not beat doing nothing"),
        ({"random_net_usd": np.array([300.0, 0.0])}, "beat only 50.0 %"),
        ({"random_net_usd": np.full(20, 200.0 - 1e-9), "net_usd": 200.0}, "beat only 0.0 %"),
        ({"random_net_usd": np.array([])}, "not compared"),
        ({"last_brain_net_usd": 250.01}, "less than the last brain"),
        ({"returns_bps": np.random.default_rng(0).normal(0.0, 10.0, 400)}, "more than the luck of 20 trials"),
        ({"returns_bps": np.zeros(400)}, "0 of 400 held-out periods"),
        ({"returns_bps": np.r_[np.full(11, 50.0), np.zeros(389)]}, "11 of 400 held-out periods"),
        ({"returns_bps": np.array([1.0])}, "too few for a Sharpe"),
        ({"trials": 10**9, "trial_sharpe_variance": 0.01}, "1000000000 trials"),
        ({"trailing_drawdown_pct": 15.1}, "collapsed by 15.1 %"),
    ],
)
def test_each_failing_criterion_refuses_the_brain_and_is_the_only_reason(change: dict, words: str) -> None:
    verdict = judge_brain(replace(good_evidence(), **change))
    assert not verdict.promoted and not verdict.live_eligible
    assert len(verdict.reasons) == 1
    assert words in verdict.reasons[0]


def test_a_last_brain_that_cannot_be_compared_lets_nothing_pass_until_a_person_passes_it_over() -> None:
    lost = Incomparable("2025-03-09-abc", "There is no brain at brains/2025/03/09.")
    evidence = replace(good_evidence(), last_brain_net_usd=lost)
    verdict = judge_brain(evidence)
    (reason,) = verdict.reasons
    assert not verdict.promoted and verdict.numbers["has_last_brain"] is True
    for words in ("2025-03-09-abc", "There is no brain at", "promotion.passed_over_brains"):
        assert words in reason
    assert not judge_brain(evidence, PromotionConfig(passed_over_brains=("2025-03-08-abc",))).promoted
    passed = judge_brain(evidence, PromotionConfig(passed_over_brains=("2025-03-09-abc",)))
    assert passed.promoted and any("There is no brain at" in reason for reason in passed.reasons)


def test_a_first_night_without_ledger_or_last_brain_can_still_be_promoted() -> None:
    evidence = replace(good_evidence(), last_brain_net_usd=None, trailing_drawdown_pct=None)
    assert judge_brain(evidence).promoted


def test_a_simulated_brain_is_never_live_eligible() -> None:
    verdict = judge_brain(replace(good_evidence(), is_simulated=True))
    assert verdict.promoted and not verdict.live_eligible
    assert "simulated" in verdict.reasons[-1]


def test_the_rule_reports_the_answer_without_blocking_the_night() -> None:
    verdict = out_of_sample_verdict(judge_brain(replace(good_evidence(), net_usd=-5.0)))
    assert (verdict.check, verdict.passed, verdict.blocking) == ("brain_out_of_sample", False, False)
    assert "-5.00 USD" in verdict.reason


def test_markets_without_an_edge_promote_at_most_the_nominal_share() -> None:
    generator = np.random.default_rng(9)
    promoted = 0
    for _ in range(300):
        returns = generator.normal(0.0, 10.0, 300)
        evidence = BrainEvidence(
            returns, 100, float(returns.sum()), generator.normal(0.0, 170.0, 200), 1, False
        )
        promoted += judge_brain(evidence).promoted
    assert promoted / 300 <= 0.08


def test_a_few_lucky_periods_give_no_certainty_and_a_few_bad_ones_take_it() -> None:
    # Two values a share of 0.2 apart from the rest: skewness +-0.6 / 0.4 = +-1.5, kurtosis 1 + 1.5^2 = 3.25.
    # One trial: the deflated ratio is the chance that the true one is above 0, cdf(SR sqrt(99) / spread).
    lucky, unlucky = np.r_[np.full(20, 6.4), np.full(80, -1.0)], np.r_[np.full(80, 1.0), np.full(20, -2.75)]
    # SR = 0.48 / 2.96 sqrt(0.99) = 0.1613; its skewness taken as 0: cdf(1.6054 / sqrt(1 + 0.0146)).
    # With its skewness of 1.5 it would be cdf(1.6054 / sqrt(0.7726)) = 0.966, and pass.
    verdict = judge_brain(replace(good_evidence(), returns_bps=lucky, trials=1))
    assert verdict.numbers["deflated_sharpe"] == pytest.approx(0.9445, abs=2e-4)
    assert not verdict.promoted and len(verdict.reasons) == 1
    # SR = 0.25 / 1.5 sqrt(0.99) = 0.1658; its skewness of -1.5 counts: cdf(1.65 / sqrt(1 + 0.2487 + 0.0155)).
    verdict = judge_brain(replace(good_evidence(), returns_bps=unlucky, trials=1))
    assert verdict.numbers["deflated_sharpe"] == pytest.approx(0.9289, abs=2e-4)


def test_looser_rules_are_the_callers_choice() -> None:
    evidence = replace(good_evidence(), trades=5)
    assert judge_brain(evidence, PromotionConfig(minimum_trades=5)).promoted


def test_evidence_without_a_finite_result_is_refused() -> None:
    with pytest.raises(InvalidInput):
        judge_brain(replace(good_evidence(), net_usd=float("nan")))
