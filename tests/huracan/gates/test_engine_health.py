"""An engine whose last days are unlike those before is made smaller or stopped, and one without candles."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from huracan.gates.contract import ABSTAIN, BLOCK, PASS, Gate, resize
from huracan.gates.engine_health import EngineHealthGateSettings
from huracan.gates.evidence.health_checks import Sample
from huracan.gates.roster import gate_kinds
from huracan.models.past import past_trades
from tests.huracan.conftest import hourly_ledger
from tests.huracan.gates.columns import facts, shown, with_column
from tests.huracan.gates.conftest import Fitter, context, one

Maker = Callable[..., pa.Table]
DAYS, A_DAY = 25, 24


def _past(seed: int = 1, recent_net: float = 0.0, recent_volatility: float = 1.0) -> pa.Table:
    """25 days of 24 trades that make 5 +- 20 bps; in the last five more or less."""
    random = np.random.default_rng(seed)
    rows = DAYS * A_DAY
    recent = np.arange(rows) >= rows - 5 * A_DAY
    past = with_column(hourly_ledger(rows), "net_bps", 5.0 + random.normal(0, 20, rows) + recent_net * recent)
    volatility = random.uniform(5.0, 20.0, rows) * np.where(recent, recent_volatility, 1.0)
    return with_column(past, "entry_volatility_bps", volatility)


def _gate(past: pa.Table, **settings: object) -> Gate:
    return one("engine_health", past, settings={"engine_health": EngineHealthGateSettings(**settings)})


def test_an_engine_as_it_was_passes_whole() -> None:
    healthy = [_gate(_past(seed)).judge(shown(hourly_ledger(1))).answer for seed in range(10)]
    assert healthy.count((PASS,)) >= 9


def test_one_vote_makes_smaller_and_both_stop_it() -> None:
    moved = _gate(_past(recent_volatility=3.0)).judge(shown(hourly_ledger(2)))
    assert moved.answer == (resize(0.65),) * 2 and "1 of 2 votes" in moved.reason[0]
    # Mean, win rate and distribution tell of one thing.
    broken = _gate(_past(recent_net=-40.0)).judge(shown(hourly_ledger(2)))
    assert broken.answer == (resize(0.65),) * 2 and broken.reason[0].count("(above") == 3
    both = _gate(_past(recent_net=-40.0, recent_volatility=3.0)).judge(shown(hourly_ledger(2)))
    assert both.answer == (BLOCK,) * 2 and both.value.tolist() == [0.30] * 2
    assert "A health of 0.3 does not exceed 0.3; it would pass with fewer votes." in both.reason[0]


def test_a_volatility_that_rose_as_much_before_is_no_alarm() -> None:
    random = np.random.default_rng(5)
    level = np.repeat([1.0, 2.5, 1.0, 1.0, 2.5], 5 * A_DAY)
    past = with_column(
        _past(), "entry_volatility_bps", 8.0 * level * random.lognormal(0.0, 1.0, DAYS * A_DAY)
    )
    again = _gate(past).volatility  # type: ignore[attr-defined]
    calm = with_column(
        past,
        "entry_volatility_bps",
        np.where(np.arange(DAYS * A_DAY) < 10 * A_DAY, 1.0 / level, 1.0)
        * np.array(past["entry_volatility_bps"]),
    )
    first = _gate(calm).volatility  # type: ignore[attr-defined]
    assert first.alarms and not again.alarms
    assert again.value > 0.25 and again.threshold > first.threshold
    short = _gate(_past(recent_volatility=3.0).slice(9 * A_DAY))
    assert not short.volatility.alarms  # type: ignore[attr-defined]
    json.dumps(short.describe(), allow_nan=False)


def test_recent_is_counted_from_the_night_and_not_from_the_last_trade() -> None:
    past = _past(recent_net=-40.0)
    own = context(past)
    gate = gate_kinds()["engine_health"]
    later = replace(own, day=own.day + timedelta(days=5), settings=own.settings["engine_health"])
    late = gate.fit(later).judge(shown(hourly_ledger(1)))
    assert late.answer == (ABSTAIN,) and "too few are of the last 5 days" in late.reason[0]


def test_a_feed_of_which_nothing_is_known_is_not_judged() -> None:
    given = _gate(_past()).judge(shown(hourly_ledger(2), untraded_share=[None, 0.0]))
    assert given.answer == (ABSTAIN, PASS) and "is not known" in given.reason[0]


def test_at_the_threshold_it_stops() -> None:
    past = _past(recent_volatility=3.0)
    assert _gate(past, minimum_health=0.65).judge(shown(hourly_ledger(1))).answer == (BLOCK,)
    assert _gate(past, minimum_health=0.649).judge(shown(hourly_ledger(1))).answer == (resize(0.65),)


def test_a_broken_feed_is_refused_signal_by_signal_also_without_a_past(make_ledger: Maker) -> None:
    signals = shown(make_ledger(3), untraded_share=[0.0, 0.5, 0.51])
    assert _gate(_past()).judge(signals).answer == (PASS, PASS, BLOCK)
    cold = _gate(make_ledger(0)).judge(signals)
    assert cold.answer == (ABSTAIN, ABSTAIN, BLOCK) and cold.value[2] == 0.0
    assert "51% of the last 60 bars were untraded or stood still; up to 50% would pass." in cold.reason[2]
    assert "Of 0 past trades too few are of the last 5 days" in cold.reason[0]
    thin = one("engine_health", _past(), facts=facts(_past(), untraded_share=0.7))
    assert thin.judge(signals).answer == (PASS, PASS, PASS)


def test_a_feed_that_broke_before_is_not_usual_and_a_market_that_is_often_still_is_not_broken() -> None:
    past = _past()
    rows = past.num_rows
    symbols = np.where(np.arange(rows) % 2 == 0, "BTC/USDT", "THIN/USDT").tolist()
    past = with_column(past, "symbol", symbols)
    # Every tenth signal of the one met a feed that stood still; of the other half of the bars and more do.
    broke = np.where(np.arange(rows) % 20 == 0, 1.0, 0.0)
    still = np.random.default_rng(1).uniform(0.5, 0.75, rows)
    untraded = np.where(np.array(symbols) == "BTC/USDT", broke, still)
    gate = one("engine_health", past, facts=facts(past, untraded_share=untraded))
    names = ["BTC/USDT", "BTC/USDT", "THIN/USDT", "NEW/USDT", "NEW/USDT"]
    signals = shown(with_column(hourly_ledger(5), "symbol", names), untraded_share=[0.4, 0.6, 0.75, 0.6, 1.0])
    assert gate.judge(signals).answer[:3] == (PASS, BLOCK, PASS)
    # Of a symbol that is new the usual share is that of all.
    lower, upper = np.quantile(untraded, (0.25, 0.75))
    assert gate.most_untraded == pytest.approx(upper + 1.5 * (upper - lower))  # type: ignore[attr-defined]
    assert gate.judge(signals).answer[3] == PASS


def test_the_policys_own_trades_are_looked_at_where_there_are_enough(make_ledger: Maker) -> None:
    known = past_trades(_past(recent_net=-40.0))
    explored = np.ones(len(known.weight), bool)
    healthy = past_trades(with_column(_past(2), "trade_id", [f"own-{row}" for row in range(DAYS * A_DAY)]))
    both = replace(
        known,
        trades=pa.concat_tables([known.trades, healthy.trades]),
        weight=np.concatenate([known.weight, healthy.weight]),
        is_explored=np.concatenate([explored, ~explored]),
    )
    assert one("engine_health", both).judge(shown(make_ledger(1))).answer == (PASS,)
    only = replace(known, is_explored=explored)
    assert one("engine_health", only).judge(shown(make_ledger(1))).answer == (resize(0.65),)


def test_the_tests_agree_with_those_of_the_books() -> None:
    random = np.random.default_rng(4)
    recent, before = random.normal(-0.3, 1.0, 60), random.normal(0.0, 1.0, 200)
    values = np.concatenate([recent, before])
    sample = Sample(np.ones(260), np.arange(260), np.arange(260) < 60, 60)
    found = sample.kolmogorov("distance", values, 0.95)
    assert found.value == pytest.approx(stats.ks_2samp(recent, before, alternative="greater").statistic)
    scale = found.threshold / np.sqrt(-np.log(0.05) / 2.0)
    # The days of one trade each are as independent as they look.
    assert scale == pytest.approx(np.sqrt(1 / 60 + 1 / 200), rel=0.15)
    edges = np.quantile(before, [0.2, 0.4, 0.6, 0.8])
    now, then = (np.bincount(np.searchsorted(edges, each), minlength=5) for each in (recent, before))
    counts = sample.counts(values)
    shares = [
        (part / part.sum() * count + 0.5) / (count + 2.5)
        for part, count in zip((now, then), counts, strict=True)
    ]
    index = sum((a - b) * np.log(a / b) for a, b in zip(*shares, strict=True))
    assert sample.stability("index", values, 0.95).value == pytest.approx(index)


def test_days_that_are_alike_alarm_no_more_often() -> None:
    """Every trade of a day ends alike: five recent days say as much as five trades."""
    alarms = []
    for seed in range(30):
        by_day = np.random.default_rng(seed).normal(0.0, 20.0, DAYS)
        past = with_column(hourly_ledger(DAYS * A_DAY), "net_bps", np.repeat(by_day, A_DAY))
        gate = _gate(past)
        alarms.append(gate.checks[0].alarms or gate.checks[2].alarms)  # type: ignore[attr-defined]
    assert sum(alarms) <= 3


def test_too_short_a_past_is_not_judged(make_ledger: Maker, fit_all: Fitter) -> None:
    given = fit_all(make_ledger(29))["engine_health"].judge(shown(make_ledger(2)))
    assert set(given.answer) == {ABSTAIN}
