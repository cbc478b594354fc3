"""Brains that were really trained on nothing go through sessions, ledger and verdict."""

from dataclasses import replace

import numpy as np
import pytest

from huracan.market.block import MarketBlock
from huracan.promotion.record import TrialRecord
from huracan.proof.promotion import trained
from huracan.proof.promotion.null_markets import NullMarketConfig, null_market
from huracan.proof.promotion.trained import TrainedSettings, prove_trained, seen, trained_bars

SMALL = TrainedSettings(markets=1, nights=8)


@pytest.mark.slow
def test_every_night_after_the_first_leaves_a_day_of_evidence_and_none_is_promoted() -> None:
    told = list[str]()
    rows = prove_trained(SMALL, lambda row: told.append(row.costs))
    assert told == ["none", "usual"] and rows == prove_trained(SMALL)
    free, usual = rows
    assert (free.nights, free.days, usual.days) == (8, 7, 7)
    assert free.trades > 20, "a brain that trades nothing proves nothing"
    assert free.promoted_on is None and usual.promoted_on is None
    (bar,) = trained_bars(rows)
    assert bar.is_met and not trained_bars((replace(free, promoted_on=5),))[0].is_met


@pytest.mark.slow
def test_a_market_that_gives_money_away_is_told_from_one_that_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Days whose results are given away are promoted, so that what promotes nobody is not the rule alone."""

    def generous(self: TrialRecord, digest: str, had_candles: object) -> object:
        evidence = real(self, digest, had_candles)
        days = [replace(day, result_usd=3.0 * day.unit_usd, rival_usd=0.0) for day in evidence.traded]
        return type(evidence).of(days)

    real = TrialRecord.evidence
    monkeypatch.setattr(trained.TrialRecord, "evidence", generous)
    limits = replace(SMALL.limits, blocking=(), contradiction_chance=1e-9)
    rows = prove_trained(replace(SMALL, limits=limits))
    assert all(row.promoted_on is not None for row in rows)


def test_what_a_brain_sees_is_past() -> None:
    block = null_market(NullMarketConfig(symbols=2, days=4, seed=3))
    whole = seen(block, np.random.default_rng(1))

    def later(values: np.ndarray) -> np.ndarray:
        values = values.copy()
        values[:, 50:] *= 2.0
        return values

    other: MarketBlock = seen(replace(block, close=later(block.close)), np.random.default_rng(1))
    assert np.array_equal(whole.features[:, :50], other.features[:, :50])
    assert not np.array_equal(whole.features[:, 50:], other.features[:, 50:])
    step = np.log(block.close[0, 10] / block.close[0, 9]) * 1e4
    assert whole.features[0, 10, whole.feature_names.index("return_1_bps")] == pytest.approx(step, rel=1e-5)
