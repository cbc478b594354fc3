"""A signal whose results range too widely for what it is expected to make is refused, or made smaller."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.gates.contract import ABSTAIN, BLOCK, PASS, Answers, resize
from huracan.gates.uncertainty import UncertaintyGate, UncertaintyGateSettings
from huracan.models.config import ModelConfig, Unfit
from huracan.models.conformal import fit_conformal_model
from huracan.models.interval_scores import IntervalScores
from huracan.models.past import past_trades
from tests.huracan.conftest import hourly_ledger
from tests.huracan.gates.columns import shown
from tests.huracan.gates.conftest import NAMES, Fitter, one

Maker = Callable[..., pa.Table]


SCORES = IntervalScores(0.9, 100.0, 0.9, 120.0, 200)


@dataclass(frozen=True)
class Told:
    """A model that says what it was told: mean and half a width of every signal. Usual is a half of 50."""

    mean: tuple[float, ...]
    half: tuple[float, ...]
    coverage: float = 0.9
    has_skill: bool = True
    tail: IntervalScores = SCORES

    def interval(self, signals: pa.Table) -> tuple[np.ndarray, np.ndarray]:
        return np.array(self.mean) - self.half, np.array(self.mean) + self.half

    def expected(self, signals: pa.Table) -> np.ndarray:
        return np.array(self.mean)


def _judged(mean: tuple[float, ...], half: tuple[float, ...], **own: object) -> Answers:
    gate = UncertaintyGate(Told(mean, half), UncertaintyGateSettings(**own))  # type: ignore[arg-type]
    return gate.judge(shown(hourly_ledger(len(mean))))


def test_what_is_too_wide_must_pay_for_it() -> None:
    given = _judged((-3.0, -3.0, 4.0, 6.0), (50.0, 101.0, 120.0, 120.0))
    # Half a width of 100 is free; 20 more cost 5.
    assert given.value == pytest.approx([0.25 * 50.0, -0.25, -1.0, 1.0])
    assert given.answer == (PASS, BLOCK, BLOCK, resize(1.25 / 2.4))
    assert "It is expected to make 4.0 bps, between -116.0 and 124.0, which is 2.40 times" in given.reason[2]
    assert "would pass with more than 1.0 bps more" in given.reason[2]


def test_at_the_threshold_it_is_refused_and_sizes_fall_with_the_width_to_a_floor() -> None:
    assert _judged((-3.0, 5.0), (100.0, 120.0)).answer == (BLOCK, BLOCK)
    sized = _judged((50.0,) * 4, (62.5, 75.0, 100.0, 200.0)).answer
    assert sized == (PASS, resize(1.25 / 1.5), resize(0.625), resize(0.5))
    runner = _judged((-3.0,), (149.0,), profile="runner")
    assert runner.answer == (resize(0.5),)


@settings(max_examples=50)
@given(*[st.floats(-100.0, 100.0)] * 2, *[st.floats(1.0, 500.0)] * 2)
def test_more_expected_or_less_wide_is_never_worse(one: float, two: float, wide: float, wider: float) -> None:
    low, high = sorted((one, two))
    narrow, broad = sorted((wide, wider))
    value = _judged((low, high, low), (broad, broad, narrow)).value
    assert value[0] <= value[1] + 1e-9 and value[0] <= value[2] + 1e-9


def test_a_model_that_holds_less_than_it_promised_is_not_asked() -> None:
    poor = replace(Told((5.0,), (50.0,)), has_skill=False, tail=IntervalScores(0.7, 100.0, 0.9, 120.0, 200))
    given = UncertaintyGate(poor, UncertaintyGateSettings()).judge(shown(hourly_ledger(1)))  # type: ignore[arg-type]
    assert given.answer == (ABSTAIN,) and "was 70%" in given.reason[0] and "90% promised" in given.reason[0]
    asked = UncertaintyGate(poor, UncertaintyGateSettings(require_skill=False))  # type: ignore[arg-type]
    assert asked.judge(shown(hourly_ledger(1))).answer == (PASS,)


def test_without_a_model_there_is_no_opinion(make_ledger: Maker, fit_all: Fitter) -> None:
    given = fit_all(make_ledger(40))["uncertainty"].judge(shown(make_ledger(2)))
    assert set(given.answer) == {ABSTAIN} and given.reason[0].startswith("There is no model: ")


def test_it_asks_the_fitted_model(make_ledger: Maker) -> None:
    past = make_ledger(600)
    model = fit_conformal_model(past_trades(past), NAMES, ModelConfig(), "2h")
    assert not isinstance(model, Unfit) and model.tail.width_bps is not None
    own = {"uncertainty": UncertaintyGateSettings(require_skill=False)}
    signals = shown(make_ledger(30, seed=5))
    given = one("uncertainty", past, settings=own, conformal=model).judge(signals)
    low, high = model.interval(signals)
    room = 0.25 * (model.tail.width_bps - (high - low) / 2.0)
    assert given.value == pytest.approx(np.maximum(model.expected(signals), 0.0) + room)
