"""The states of a pattern, and how the error of the whole family is shared out."""

from datetime import date, timedelta

import numpy as np
import pytest

from huracan.analysis.patterns.config import PatternConfig
from huracan.analysis.patterns.evidence import nothing_forward
from huracan.analysis.patterns.states import evidence_needed, with_state
from huracan.errors import InvalidInput
from huracan.evidence.betting import STAKES

DAY, CONFIG = date(2023, 6, 2), PatternConfig()


def _row(**changes: object) -> dict:
    shown = {"state": "candidate", "last_seen_day": DAY, "number": 1, "forward_mean_net_bps": 5.0}
    return {**nothing_forward(), **shown, "forward_trades": 50, **changes}


def test_all_patterns_and_all_tries_together_use_up_no_more_than_the_family_error() -> None:
    shares = [
        1.0 / evidence_needed(number, times, CONFIG) for number in range(1, 2000) for times in range(30)
    ]
    assert sum(shares) == pytest.approx(CONFIG.family_error, rel=1e-3) and sum(shares) < CONFIG.family_error
    assert evidence_needed(1, 0, CONFIG) == 80.0


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"evidence": 80.0}, "reliable"),
        ({"evidence": 79.9}, "candidate"),
        ({"evidence": 80.0, "number": 2}, "candidate"),
        ({"evidence": 80.0, "forward_trades": 29}, "candidate"),
        ({"evidence": 80.0, "forward_mean_net_bps": -1.0}, "candidate"),
        ({"evidence": 80.0, "state": "degraded", "times_degraded": 1}, "degraded"),
        ({"evidence": 160.0, "state": "degraded", "times_degraded": 1}, "reliable"),
        ({"state": "reliable", "drift_evidence": 99.0}, "reliable"),
        ({"state": "reliable", "drift_evidence": 100.0}, "degraded"),
        ({"drift_evidence": 1e9}, "candidate"),
        ({"last_seen_day": DAY - timedelta(days=7)}, "candidate"),
        ({"last_seen_day": DAY - timedelta(days=8)}, "retired"),
        ({"state": "retired"}, "candidate"),
        ({"state": "retired", "first_reliable_day": DAY}, "degraded"),
    ],
)
def test_a_state_follows_from_the_evidence_and_the_state_before(changes: dict, state: str) -> None:
    assert with_state(_row(**changes), DAY, CONFIG)["state"] == state


@pytest.mark.parametrize("lost", [{"drift_evidence": 100.0}, {"last_seen_day": DAY - timedelta(days=8)}])
def test_what_made_a_pattern_reliable_is_used_up_when_it_is_lost(lost: dict) -> None:
    wealth = np.full(STAKES.size, 500.0).tolist()
    after = with_state(_row(state="reliable", evidence=500.0, wealth=wealth, **lost), DAY, CONFIG)
    assert (after["evidence"], after["times_degraded"]) == (1.0, 1)
    assert after["wealth"] == [1.0] * STAKES.size


def test_settings_that_make_no_sense_are_refused() -> None:
    for wrong in ({"family_error": 0.0}, {"trial_trades": 0}, {"unseen_days": 200}):
        with pytest.raises(InvalidInput):
            PatternConfig(**wrong)
