"""The cost gate passes what pays, blocks what does not, and abstains without a past."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from huracan.gates.contract import ABSTAIN, BLOCK, PASS
from huracan.gates.cost import CostGateSettings
from tests.huracan.gates.columns import with_column
from tests.huracan.gates.conftest import Fitter

Maker = Callable[..., pa.Table]


def test_a_regime_that_pays_passes_and_one_that_does_not_is_blocked(
    make_ledger: Maker, fit_all: Fitter
) -> None:
    past = make_ledger(80)
    trending = pc.equal(past["regime"], "trend").to_numpy(zero_copy_only=False)
    gate = fit_all(with_column(past, "gross_bps", np.where(trending, 60.0, 0.0)))["cost"]
    # 20 trades a regime, overall mean 15, weight 20: trend (1200 + 300) / 40, others 300 / 40.
    edge = gate.describe()["edge_bps"]
    assert edge["trend"] == pytest.approx(37.5)  # type: ignore[index]
    assert edge["panic"] == pytest.approx(7.5)  # type: ignore[index]
    given = gate.judge(make_ledger(8, seed=2))
    assert given.answer == (PASS, BLOCK, BLOCK, BLOCK) * 2
    assert given.threshold.tolist() == [27.0] * 8
    assert "37.5 bps exceeds 27.0 bps" in given.reason[0]


def test_an_edge_equal_to_its_cost_is_blocked(make_ledger: Maker, fit_all: Fitter) -> None:
    past = with_column(make_ledger(40), "gross_bps", np.full(40, 27.0))
    assert set(fit_all(past)["cost"].judge(make_ledger(4)).answer) == {BLOCK}
    smaller = fit_all(past, settings={"cost": CostGateSettings(buffer_bps=4.9)})["cost"]
    assert set(smaller.judge(make_ledger(4)).answer) == {PASS}


def test_too_short_a_past_gives_no_opinion(make_ledger: Maker, fit_all: Fitter) -> None:
    signals = make_ledger(6)
    assert set(fit_all(make_ledger(29))["cost"].judge(signals).answer) == {ABSTAIN}
    assert ABSTAIN not in fit_all(make_ledger(30))["cost"].judge(signals).answer
