"""No gate lets a later signal change what it says of an earlier one."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from huracan.analysis.patterns.table import PATTERNS_SCHEMA
from huracan.gates.contract import Answers
from huracan.gates.roster import fit_gates, gate_kinds
from huracan.gates.uncertainty import UncertaintyGateSettings
from huracan.models.confidence import fit_confidence_model
from huracan.models.config import ModelConfig
from huracan.models.conformal import fit_conformal_model
from huracan.models.meta_label import fit_meta_label_model
from huracan.models.past import past_trades
from tests.huracan.conftest import hourly_ledger
from tests.huracan.gates.columns import facts, positions, shown, with_column
from tests.huracan.gates.conftest import NAMES, context
from tests.huracan.gates.positions.made_marks import taught
from tests.huracan.gates.test_pattern_evidence import LOSING, WINNING

Market = dict[str, np.ndarray[Any, Any]]


def _market(count: int, seed: int) -> Market:
    random = np.random.default_rng(seed)
    wide = {"imbalance": (-1, 1), "earlier_imbalance": (-1, 1), "toxicity": (0, 1), "buy_fill_chance": (0, 1)}
    wide |= {
        "compression": (0.5, 1.5),
        "last_move": (-2, 2),
        "activity": (0.5, 1.5),
        "untraded_share": (0, 1),
    }
    found = {name: random.uniform(*ends, count) for name, ends in wide.items()}
    # Of a tenth of the signals the feed stood still.
    untraded = found["untraded_share"]
    return found | {"untraded_share": np.where(untraded > 0.9, untraded, 0.1 * untraded)}


def _trades(count: int, seed: int) -> pa.Table:
    """In threes at one moment, of three symbols, some of whose costs no edge pays."""
    random = np.random.default_rng(seed)
    trades = hourly_ledger(count, seed=seed)
    moments = np.repeat(trades["signal_time"].to_pylist()[::3], 3)[:count]
    trades = with_column(trades, "signal_time", list(moments))
    trades = with_column(trades, "symbol", [f"S{row % 3}/USDT" for row in range(count)])
    trades = with_column(trades, "estimated_cost_bps", random.uniform(5.0, 40.0, count))
    trades = with_column(trades, "size_multiplier", random.choice([0.5, 1.0, 1.5], count))
    trades = with_column(trades, "exit_reason", random.choice(["STOP", "TARGET", "TIME_OUT"], count).tolist())
    nearest = [[each] for each in random.choice(["losing", "winning", "unknown"], count).tolist()]
    trades = with_column(trades, "nearest_patterns", nearest)
    return with_column(trades, "nearest_pattern_cosines", [[0.8]] * count)


def _taught(past: pa.Table, market: Market) -> pa.Table:
    """So that every gate has something to refuse: signals lost that met the flow against them, and those that
    nothing set off, and in one regime stops came first."""
    lost = 30.0 * (market["imbalance"] < -0.3) + 30.0 * (market["last_move"] < 0.5)
    regimes = past["regime"].to_pylist()
    ends = np.where([name == regimes[0] for name in regimes], "STOP", past["exit_reason"].to_pylist())
    for name in ("net_bps", "gross_bps"):
        past = with_column(past, name, past[name].to_numpy() - lost + lost.mean())
    return with_column(past, "exit_reason", ends.tolist())


@pytest.fixture(scope="module")
def gates() -> dict[str, Any]:
    market = _market(600, 2)
    past = _taught(_trades(600, 1), market)
    own = {name: kind.settings() for name, kind in gate_kinds().items()}
    places = type(own["scalp_ranking"].maximum_positions)(2, 2)
    own["scalp_ranking"] = type(own["scalp_ranking"])(maximum_positions=places)
    learnt = (
        fit_confidence_model(past_trades(past), NAMES, ModelConfig(), "2h"),
        fit_meta_label_model(past_trades(past), ModelConfig(), "2h"),
    )
    library = pa.Table.from_pylist([LOSING, WINNING], schema=PATTERNS_SCHEMA)
    conformal = fit_conformal_model(past_trades(past), NAMES, ModelConfig(), "2h")
    own["uncertainty"] = UncertaintyGateSettings(require_skill=False, whole_width=1.0)
    own["meta_label"] = type(own["meta_label"])(require_skill=False)
    return fit_gates(context(past, *learnt, own, facts(past, **market), library, conformal=conformal))


OF_SIGNALS = [name for name in gate_kinds() if name not in ("scratch", "runner_unlock")]


@pytest.mark.parametrize("name", OF_SIGNALS)
def test_a_later_signal_changes_no_earlier_answer(name: str, gates: dict[str, Any]) -> None:
    trades, market = _trades(90, 5), _market(90, 6)
    whole: Answers = gates[name].judge(shown(trades, **market))
    assert len(set(whole.answer)) > 1, "it says one thing of all"
    for count in (3, 30, 87):
        part = {name: values[:count] for name, values in market.items()}
        given = gates[name].judge(shown(trades.slice(0, count), **part))
        assert given.answer == whole.answer[:count] and given.reason == whole.reason[:count]
        for found, wanted in ((given.value, whole.value), (given.threshold, whole.threshold)):
            assert np.array_equal(found, wanted[:count], equal_nan=True)


@pytest.mark.parametrize("name", OF_SIGNALS)
def test_the_order_of_the_rows_changes_no_answer(name: str, gates: dict[str, Any]) -> None:
    """Trades come in the order of their ends, which nobody knew."""
    trades, market = _trades(90, 5), _market(90, 6)
    mixed = np.random.default_rng(9).permutation(90)
    there = gates[name].judge(shown(trades, **market))
    assert len(set(there.answer)) > 1, "it says one thing of all"
    back = gates[name].judge(
        shown(trades.take(pa.array(mixed)), **{key: values[mixed] for key, values in market.items()})
    )
    assert [there.answer[row] for row in mixed] == list(back.answer)
    assert [there.reason[row] for row in mixed] == list(back.reason)


@pytest.mark.parametrize("name", ["scratch", "runner_unlock"])
def test_what_is_said_of_a_position_depends_on_no_other_and_on_no_later_close(name: str) -> None:
    gate, random = taught(name), np.random.default_rng(3)
    count = 60
    market = {
        "imbalance": random.uniform(-1, 1, count),
        "long_move": random.uniform(-2, 2, count),
        "short_move": random.uniform(-2, 2, count),
        "activity": random.uniform(0.5, 1.5, count),
    }
    gain, age = random.uniform(-2, 3, count), random.uniform(0, 0.3, count)
    whole = gate.tend(positions(gain, age, **market))
    assert whole.closes.any() and (whole.speaks & ~whole.closes).any(), "it says one thing of all"
    for rows in (np.arange(20), random.permutation(count)):
        own = {key: values[rows] for key, values in market.items()}
        part = gate.tend(positions(gain[rows], age[rows], **own))
        assert np.array_equal(part.closes, whole.closes[rows])
        assert list(part.reason) == [whole.reason[row] for row in rows]
        assert np.array_equal(part.value, whole.value[rows], equal_nan=True)
        if whole.forbids:
            assert list(part.forbids) == [whole.forbids[row] for row in rows]
