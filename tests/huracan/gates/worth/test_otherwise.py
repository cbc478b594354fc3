"""What would have had to be different, in a sentence with its numbers."""

import pytest

from huracan.gates.roster import gate_kinds
from huracan.gates.worth.otherwise import what_would_differ


@pytest.mark.parametrize(
    ("gate", "verdict", "value", "threshold", "said"),
    [
        ("cost", "pass", 30.0, 20.0, "It would have been refused at 20 or below: it had 10 to spare."),
        (
            "cost",
            "pass, resize 0.5",
            30.0,
            20.0,
            "It would have been refused at 20 or below: it had 10 to spare.",
        ),
        ("cost", "block", 12.5, 20.0, "It would have passed above 20: it was 7.5 short of it."),
        ("cost", "block", 20.0, 20.0, "It would have passed above 20: it was 0 short of it."),
        ("cost", "block", 30.0, 20.0, "does not hang on one number alone"),
        ("cost", "pass", None, None, "does not hang on one number alone"),
        ("cost", "abstain", None, None, "It had no ground to judge"),
        ("combined", "block", 2.0, 0.0, "if none of the gates that are named had blocked it"),
        ("combined", "pass", 0.0, 0.0, "if any gate had blocked it"),
    ],
)
def test_it_says_by_how_much(
    gate: str, verdict: str, value: float | None, threshold: float | None, said: str
) -> None:
    assert said in what_would_differ(gate, verdict, value, threshold)


@pytest.mark.parametrize(
    ("gate", "verdict", "value", "threshold", "said"),
    [
        (
            "fill_probability",
            "pass, order limit",
            8.0,
            5.0,
            "It would have been sent as a market order at 5 or below: it had 3 to spare.",
        ),
        ("fill_probability", "pass, order market", 4.0, 5.0, "What decided stands in the reason"),
        ("action_masks", "pass", 1.5, 1.0, "It would have been made smaller below 1: it had 0.5 to spare."),
        ("action_masks", "pass", 1.0, 1.0, "What decided stands in the reason"),
        ("action_masks", "pass, resize 0.5", 0.5, 1.0, "What decided stands in the reason"),
        ("action_masks", "block", 0.0, 1.0, "What decided stands in the reason"),
    ],
)
def test_of_a_gate_that_does_not_refuse_it_says_what_it_would_have_done(
    gate: str, verdict: str, value: float, threshold: float, said: str
) -> None:
    assert said in what_would_differ(gate, verdict, value, threshold, gate_kinds()[gate].below)
