"""A threshold that is moved: every gate then refuses more or less, and no setting leaves its range."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan.gates.contract import BLOCK, Answers, Gate, GateContext, GateKind
from huracan.gates.evidence.break_even import RegimeMargins
from huracan.gates.roster import gate_kinds
from huracan.gates.settings import GateSettings
from huracan.gates.worth.shifts import possible_shift, shifted_settings, shifted_values, threshold_values
from huracan.models.confidence import fit_confidence_model
from huracan.models.config import ModelConfig
from huracan.models.meta_label import fit_meta_label_model
from huracan.models.past import past_trades
from tests.huracan.conftest import hourly_ledger
from tests.huracan.gates.columns import shown, with_column
from tests.huracan.gates.conftest import NAMES, one

GOVERNED = [name for name, kind in gate_kinds().items() if kind.threshold]


def _values(kind: GateKind[Any], settings: Any) -> dict[str, Any]:
    value = getattr(settings, str(kind.threshold))
    name = f"gates.{kind.name}.{kind.threshold}"
    if isinstance(value, float | int):
        return {name: value}
    return {f"{name}.{each}": number for each, number in asdict(value).items()}


def _settings(name: str, shift: float = 0.0) -> GateSettings:
    kind = gate_kinds()[name]
    asked = {"require_skill": False} if name in ("meta_label", "confidence") else {}
    settings = kind.settings(**asked)
    possible = possible_shift(_values(kind, settings), kind, shift)
    moved: GateSettings = shifted_settings(settings, kind, possible)
    return moved


@pytest.fixture(scope="module")
def judged() -> Any:
    """(name of a gate, shift) -> what it says of the same signals."""
    past = _costly(hourly_ledger(600, seed=1), 1)
    signals = shown(_costly(hourly_ledger(120, seed=2), 2))
    models = (
        fit_confidence_model(past_trades(past), NAMES, ModelConfig(), "2h"),
        fit_meta_label_model(past_trades(past), ModelConfig(), "2h"),
    )

    def judge(name: str, shift: float = 0.0) -> Answers:
        gate: Gate = one(name, past, *models, {name: _settings(name, shift)})
        return gate.judge(signals)

    return judge


def _costly(trades: pa.Table, seed: int) -> pa.Table:
    costs = np.random.default_rng(seed).uniform(1.0, 40.0, trades.num_rows)
    return with_column(trades, "estimated_cost_bps", costs)


@pytest.mark.parametrize("name", GOVERNED)
def test_a_shift_above_0_refuses_more_and_one_below_0_less(name: str, judged: Any) -> None:
    before = judged(name)
    margin = before.value - before.threshold
    assert np.isfinite(margin).all() and (margin > 0.0).any(), "it judges nothing, or passes nothing"
    shift = float(np.median(margin[margin > 0.0]))
    more, less = judged(name, shift), judged(name, -0.2)
    refused, refused_more, refused_less = (
        np.array([answer == BLOCK for answer in each.answer]) for each in (before, more, less)
    )
    assert (refused_more >= refused).all() and refused_more.sum() > refused.sum()
    assert (refused_less <= refused).all()
    # One unit of the value for each of the setting's, wherever the range allows it.
    kind = gate_kinds()[name]
    moved = possible_shift(_values(kind, _settings(name)), kind, shift)
    assert more.threshold == pytest.approx(before.threshold + moved) and moved > 0.0
    assert (less.threshold < before.threshold).all()


def test_every_number_of_a_threshold_moves_by_hand() -> None:
    regret, meta = gate_kinds()["regret"], gate_kinds()["meta_label"]
    moved = shifted_settings(regret.settings(), regret, 0.1)
    assert (moved.maximum_regret.scalp, moved.maximum_regret.runner) == pytest.approx((0.85, 0.80))
    assert moved.doubtful_size == regret.settings().doubtful_size
    margins = shifted_settings(meta.settings(), meta, 0.1).margin
    assert isinstance(margins, RegimeMargins)
    assert asdict(margins) == pytest.approx(
        {"trend": 0.1, "range": 0.1, "high_volatility": 0.12, "panic": 0.15}
    )
    values = {"gates.regret.maximum_regret.scalp": 0.95, "gates.regret.maximum_regretted": 1.0}
    assert threshold_values(values, regret) == {"gates.regret.maximum_regret.scalp": 0.95}
    assert shifted_values(values, regret, 0.5) == {"gates.regret.maximum_regret.scalp": pytest.approx(0.45)}


def test_all_numbers_stop_where_the_first_of_them_meets_the_end_of_its_range() -> None:
    regret = gate_kinds()["regret"]
    values = _values(regret, regret.settings())
    # 0.95 and 0.90 go down where more is asked: 0.90 meets 0 first, and upwards 0.95 meets 1.
    assert possible_shift(values, regret, 5.0) == pytest.approx(0.90)
    assert possible_shift(values, regret, -5.0) == pytest.approx(-0.05)
    assert possible_shift(values, regret, 0.3) == pytest.approx(0.3)


@dataclass(frozen=True)
class _Unset(GateSettings):
    least: float | None = None


def test_a_threshold_that_is_not_set_is_not_moved() -> None:
    def fit(context: GateContext[_Unset]) -> Gate:
        raise AssertionError

    kind = GateKind(name="asks", why="", measures="", settings=_Unset, fit=fit, threshold="least")
    assert shifted_settings(_Unset(), kind, 1.0) == _Unset()
    assert threshold_values({"gates.asks.least": None}, kind) == {}


@pytest.mark.parametrize("name", GOVERNED)
@given(shift=st.floats(-1e300, 1e300))
def test_no_shift_takes_a_setting_out_of_its_range(name: str, shift: float) -> None:
    kind = gate_kinds()[name]
    possible = possible_shift(_values(kind, kind.settings()), kind, shift)
    # Settings out of range refuse to be made.
    moved = shifted_settings(kind.settings(), kind, possible)
    assert abs(possible) <= abs(shift) and possible * shift >= 0.0
    assert _values(kind, moved) == shifted_values(_values(kind, kind.settings()), kind, possible)
