"""The table and the line of JSON that the conformance benchmark gives."""

import json
from dataclasses import replace

import pytest

from ppo_outcomes import Outcome, as_json, as_table
from ppo_tasks import TASKS

BY_NAME = {task.name: task for task in TASKS}


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("probe 3", (0.01, 0.05), (0.01, 0.051)),
        ("identity", (90.0, 100.0), (89.9, 100.0)),
        ("CartPole-v1", (451.0, 500.0), (449.0, 500.0)),
        ("Acrobot-v1", (-91.0, -93.0), (-91.0, -93.1)),
        ("MountainCar-v0", (-200.0, -200.0), (-200.0, -199.9)),
    ],
)
def test_a_task_is_met_at_its_bar_and_not_below(
    name: str, good: tuple[float, ...], bad: tuple[float, ...]
) -> None:
    assert Outcome(BY_NAME[name], good, 1.0).is_met
    assert not Outcome(BY_NAME[name], bad, 1.0).is_met


def test_what_is_printed_holds_every_seed_and_whether_all_bars_were_met() -> None:
    good = Outcome(BY_NAME["CartPole-v1"], (480.0, 490.0, 500.0), 30.0)
    bad = Outcome(BY_NAME["Acrobot-v1"], (-100.0, -100.0, -100.0), 3.0)
    told = json.loads(as_json([good, bad], [1, 2, 3], "torch"))
    assert not told["is_met"]
    assert told["tasks"]["CartPole-v1"]["figures"] == [480.0, 490.0, 500.0]
    assert told["tasks"]["CartPole-v1"]["deviation"] == pytest.approx((200 / 3) ** 0.5)
    assert "\n" not in as_json([good], [1, 2, 3], "torch")
    table = as_table([good, bad], [1, 2, 3], "torch")
    assert "| CartPole-v1 | 490.04 ± 6.12 | mean at least 475 | 490.00 ± 8.16 |" in table
    assert "| 480.00, 490.00, 500.00 | yes | 10.0 |" in table
    assert "| -100.00 ± 0.00 | -100.00, -100.00, -100.00 | **no** | 1.0 |" in table


def test_a_tasks_figures_are_printed_with_its_own_digits() -> None:
    task = replace(BY_NAME["identity"], digits=3)
    assert "| 99.500 ± 0.000 |" in as_table([Outcome(task, (99.5,), 1.0)], [1], "torch")
