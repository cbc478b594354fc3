"""A flow that past signals lost in is refused, and a harmless one is not."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from huracan.gates.adverse_selection import INPUTS, flow_inputs
from huracan.gates.contract import ABSTAIN, BLOCK, PASS, Gate
from huracan.gates.evidence.ranked_score import fit_ranked_score
from tests.huracan.conftest import hourly_ledger
from tests.huracan.gates.columns import facts, shown, with_column
from tests.huracan.gates.conftest import Fitter, one

Maker = Callable[..., pa.Table]


def _gate(harm_bps: float, rows: int = 800, seed: int = 3) -> Gate:
    """Trades that make 5 +- 20 bps, and `harm_bps` less in the quarter that met the flow most against it."""
    random = np.random.default_rng(seed)
    flow = random.uniform(-1.0, 1.0, rows)
    net = 5.0 + random.normal(0.0, 20.0, rows) - harm_bps * (flow < -0.5)
    past = hourly_ledger(rows, minutes_apart=37)
    past = with_column(with_column(past, "net_bps", net), "gross_bps", net + 22.0)
    market = facts(past, imbalance=flow, earlier_imbalance=0.0, toxicity=random.uniform(0.1, 0.4, rows))
    return one("adverse_selection", past, facts=market)


def test_a_flow_against_the_signal_is_refused_where_it_used_to_cost() -> None:
    signals = shown(hourly_ledger(4), imbalance=[-0.9, -0.2, 0.4, 0.9])
    given = _gate(40.0).judge(signals)
    assert given.answer == (BLOCK, PASS, PASS, PASS)
    assert "Of signals that met such a flow (rank 1): mean -2" in given.reason[0]
    assert "would pass with more than" in given.reason[0]
    short = shown(with_column(hourly_ledger(2), "side", ["short"] * 2), imbalance=[-0.9, 0.9])
    assert _gate(40.0).judge(short).answer == (PASS, BLOCK)


def test_a_harmless_flow_is_not_refused() -> None:
    signals = shown(hourly_ledger(200), imbalance=np.linspace(-1.0, 1.0, 200))
    refused = [BLOCK in _gate(0.0, seed=seed).judge(signals).answer for seed in range(10)]
    assert sum(refused) == 0


def test_a_toxic_flow_that_few_met_is_not_hidden_among_others() -> None:
    random = np.random.default_rng(3)
    is_toxic = random.random(1600) < 0.06
    flow = np.where(is_toxic, -0.8, random.uniform(-0.3, 0.3, 1600))
    net = np.where(is_toxic, -50.0, 25.0) + random.normal(0.0, 20.0, 1600)
    past = with_column(
        with_column(hourly_ledger(1600, minutes_apart=20), "net_bps", net), "gross_bps", net + 12.0
    )
    gate = one("adverse_selection", past, facts=facts(past, imbalance=flow, earlier_imbalance=0.0))
    answers = gate.judge(shown(hourly_ledger(2), imbalance=[-0.8, 0.1])).answer
    assert answers == (BLOCK, PASS)


def test_a_small_past_is_sorted_into_fewer_ranks() -> None:
    ranks = {rows: len(_gate(40.0, rows).describe()["score"]["edges"]) + 1 for rows in (40, 240, 800)}
    assert ranks == {40: 2, 240: 8, 800: 20}


def test_a_value_at_the_threshold_is_refused() -> None:
    gate = _gate(40.0)
    rank = gate.evidence.net.by_class[0][1]  # type: ignore[attr-defined]
    least = gate.evidence.threshold_bps  # type: ignore[attr-defined]
    value = gate.judge(shown(hourly_ledger(1), imbalance=-0.9)).value[0]
    assert value == pytest.approx(rank.mean + 1.2815516 * rank.error) and value < least


def test_what_is_not_known_is_not_judged(make_ledger: Maker, fit_all: Fitter) -> None:
    lost = _gate(40.0).judge(shown(make_ledger(1), toxicity=[None]))
    assert lost.answer == (ABSTAIN,) and "The flow at the signal is not known." in lost.reason[0]
    short = fit_all(make_ledger(29))["adverse_selection"].judge(shown(make_ledger(2)))
    assert set(short.answer) == {ABSTAIN} and "29 past trades" in short.reason[0]


def test_every_input_is_named_and_taken_on_the_signals_side() -> None:
    trades = with_column(hourly_ledger(2), "side", ["long", "short"])
    inputs = flow_inputs(trades, facts(trades, imbalance=0.5, earlier_imbalance=0.1, short_move=2.0))
    assert inputs.shape == (2, len(INPUTS))
    told = dict(zip(INPUTS, inputs[1], strict=True))
    assert (told["flow_for"], told["turn_for"], told["move_for"]) == pytest.approx((-0.5, -0.4, -2.0))
    assert told["one_sidedness"] == 0.5 and told["toxic_flow_for"] == pytest.approx(-0.1)


def test_past_trades_are_ranked_by_what_did_not_see_them() -> None:
    worst = []
    for seed in range(200):
        random = np.random.default_rng(seed)
        matrix, noise = random.normal(size=(400, 5)), random.normal(size=400)
        _, ranks = fit_ranked_score(matrix, noise, np.ones(400), 4)
        worst.append(noise[[rank == "rank 1" for rank in ranks]].mean())
    # Noise that is ranked by a fit to itself lies 0.14 below; the standard error of the mean is 0.007.
    assert abs(np.mean(worst)) < 0.04


def test_no_rank_is_made_of_too_few_rows_or_of_unknown_ones() -> None:
    score, ranks = fit_ranked_score(np.ones((6, 2)), np.ones(6), np.ones(6), 4)
    assert ranks == [None] * 6 and score.edges == ()
    matrix = np.random.default_rng(0).normal(size=(100, 2))
    matrix[7, 1] = np.nan
    score, ranks = fit_ranked_score(matrix, matrix[:, 0], np.ones(100), 4)
    assert [row for row, rank in enumerate(ranks) if rank is None] == [7]
    assert {rank: ranks.count(rank) for rank in set(ranks)} == pytest.approx(
        {None: 1, "rank 1": 25, "rank 2": 25, "rank 3": 25, "rank 4": 24}, abs=2
    )
    assert score.ranks(np.array([[-3.0, 0.0], [3.0, 0.0], [np.nan, 0.0]])) == ["rank 1", "rank 4", None]
