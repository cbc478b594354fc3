"""Does the agent learn? Nights trained on planted markets by the product's own path, and what they earn then.

The window of every night is judged and split as ever; the exam days lie behind it. A night chooses by its own
window alone; how the learner's settings were chosen is said at `ProofSettings.first_seed`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from huracan.agent.config import TrainingConfig
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules
from huracan.proof.best_policy import measure_ceiling
from huracan.proof.exam import decided_by, take_exam
from huracan.proof.planted_market import PlantedMarket, PlantedMarketConfig, days_of, plant_market
from huracan.proof.proof_settings import CASES, Case, ProofSettings
from huracan.proof.proof_table import (
    Bar,
    LearnerProof,
    ProofRow,
    at_least,
    expected_share_of_best,
    falling_trades,
    share_of_best,
)
from huracan.proof.stopping_program import Grid

OnRow = Callable[[ProofRow], None]


def prove_learner(
    settings: ProofSettings, cases: Sequence[Case] = CASES, on_row: OnRow | None = None
) -> LearnerProof:
    """Trains and examines every case; `on_row` hears each row when it is there. The same settings give the
    same rows."""
    rows: list[ProofRow] = []
    bars: list[Bar] = []
    for case in cases:
        found = []
        for row in _ROWS[case](settings):
            found.append(row)
            if on_row is not None:
                on_row(row)
        rows += found
        bars.append(_bar(case, found, settings))
    return LearnerProof(tuple(rows), tuple(bars))


def _bar(case: Case, rows: Sequence[ProofRow], settings: ProofSettings) -> Bar:
    if case == "planted":
        what = "share of the best causal policy's profit"
        return at_least(case, what, share_of_best(rows), settings.minimum_share)
    if case == "switch":
        after = [row for row in rows if row.variant == AFTER]
        what = "share of the best causal policy's profit, the night after"
        return at_least(case, what, share_of_best(after), settings.minimum_recovered_share)
    if case == "costs":
        return falling_trades(case, rows)
    if case.startswith("slow_"):
        what = "share of the best causal policy's profit, luck taken out of both"
        return at_least(case, what, expected_share_of_best(rows), settings.minimum_share)
    if case.startswith("none_"):
        net = sum(row.expected_net_bps for row in rows) / max(1, len(rows))
        what = "net bps per day and symbol, luck taken out, mean of seeds"
        return at_least(case, what, net, settings.minimum_net_bps)
    net = sum(row.net_bps for row in rows) / max(1, len(rows))
    return at_least(case, "net bps per day and symbol, mean of seeds", net, settings.minimum_net_bps)


def _seeds(settings: ProofSettings, most: int | None = None) -> range:
    count = settings.seeds if most is None else min(settings.seeds, most)
    return range(settings.first_seed, settings.first_seed + count)


def _rows_at_edge(case: Case, edge_bps: float, settings: ProofSettings) -> Iterator[ProofRow]:
    for seed in _seeds(settings):
        market = plant_market(_market_of(settings, edge_bps, seed))
        yield _night(_Candidate(case, "", seed), market, _exercise(settings, settings.taker_fee_bps))


def _exercise(settings: ProofSettings, fee_bps: float) -> "_Exercise":
    return _Exercise(settings.training, TradingRules(), CostAssumptions(taker_fee_bps=fee_bps), settings.grid)


def _at_horizon(case: Case) -> Callable[[ProofSettings], Iterator[ProofRow]]:
    """The rows of the case `slow_` or `none_` of a decision timeframe."""
    kind, _, decisions = case.partition("_")

    def rows(settings: ProofSettings) -> Iterator[ProofRow]:
        horizon = settings.horizon(decisions)
        costs = CostAssumptions(taker_fee_bps=settings.taker_fee_bps)
        exercise = _Exercise(horizon.training, horizon.rules, costs, settings.slow_grid)
        for seed in _seeds(settings, settings.sweep_seeds):
            market = plant_market(horizon.market(seed, has_edge=kind == "slow"))
            yield _night(_Candidate(case, "", seed), market, exercise)

    return rows


def _planted(settings: ProofSettings) -> Iterator[ProofRow]:
    return _rows_at_edge("planted", settings.edge_bps, settings)


def _weak(settings: ProofSettings) -> Iterator[ProofRow]:
    return _rows_at_edge("weak", settings.weak_edge_bps, settings)


def _none(settings: ProofSettings) -> Iterator[ProofRow]:
    return _rows_at_edge("none", 0.0, settings)


def _costs(settings: ProofSettings) -> Iterator[ProofRow]:
    single = replace(settings, training=replace(settings.training, seed_count=1))
    for fee_bps in settings.sweep_fees_bps:
        for seed in _seeds(settings, settings.sweep_seeds):
            market = plant_market(_market_of(settings, settings.edge_bps, seed))
            yield _night(_Candidate("costs", f"{fee_bps:g} bps", seed), market, _exercise(single, fee_bps))


BEFORE, DEFAULT, AFTER = "night before", "night after, as ever", "night after, newest days"


def _switch(settings: ProofSettings) -> Iterator[ProofRow]:
    """Nights around the day on which the carrier of the edge changes, all examined on the days after it.

    The night after has that one day of the new regime at the end of its window, and nobody tells it so. As
    ever, all days count alike and the window's last days (tail and embargo) are not trained on: it cannot
    know the new regime before they have passed. With the newest days drawn far more often, and the chosen
    seed trained again on the whole window, it can: the bar is that row's.
    """
    window = settings.switch_window_days
    usual = replace(settings.training, window_days=window, seed_count=1)
    newest = replace(usual, recency_half_life_days=settings.switch_half_life_days, refits_whole_window=True)
    nights = ((BEFORE, usual, 0), (DEFAULT, usual, 1), (AFTER, newest, 1))
    for seed in _seeds(settings, settings.sweep_seeds):
        market = plant_market(
            PlantedMarketConfig(
                edge_bps=settings.edge_bps,
                symbols=settings.switch_symbols,
                days=window + 1 + settings.exam_days,
                switch_day=window,
                switch="carrier",
                seed=seed,
            )
        )
        exam = days_of(market, window + 1, market.config.days - 1)
        for variant, training, first in nights:
            exercise = _exercise(settings, settings.taker_fee_bps)._replace(training=training)
            days = days_of(market, first, first + window - 1)
            yield _examine(_Candidate("switch", variant, seed), days, exam, exercise)


_ROWS: dict[Case, Callable[[ProofSettings], Iterator[ProofRow]]] = {
    "planted": _planted,
    "weak": _weak,
    "none": _none,
    "switch": _switch,
    "costs": _costs,
    "slow_1m": _at_horizon("slow_1m"),
    "slow_15m": _at_horizon("slow_15m"),
    "slow_1h": _at_horizon("slow_1h"),
    "none_15m": _at_horizon("none_15m"),
    "none_1h": _at_horizon("none_1h"),
}


def _market_of(settings: ProofSettings, edge_bps: float, seed: int) -> PlantedMarketConfig:
    return PlantedMarketConfig(
        edge_bps=edge_bps,
        symbols=settings.symbols,
        days=settings.window_days + settings.exam_days,
        seed=seed,
    )


class _Candidate(NamedTuple):
    """Who sits the exam: the night of a case, by its name among others and its seed."""

    case: Case
    variant: str
    seed: int


class _Exercise(NamedTuple):
    """By what is trained and examined, and how finely the ceiling is computed."""

    training: TrainingConfig
    rules: TradingRules
    costs: CostAssumptions
    grid: Grid


def _night(candidate: _Candidate, market: PlantedMarket, exercise: _Exercise) -> ProofRow:
    """Trained on the market's first days and examined on the rest."""
    days = exercise.training.window_days
    window, exam = days_of(market, 0, days - 1), days_of(market, days, market.config.days - 1)
    return _examine(candidate, window, exam, exercise)


def _examine(
    candidate: _Candidate, window: PlantedMarket, exam: PlantedMarket, exercise: _Exercise
) -> ProofRow:
    from huracan.agent.night.train import train_policy
    from huracan.agent.policy.checkpoint import load_policy

    rules, costs = exercise.rules, exercise.costs
    training = replace(exercise.training, seed=candidate.seed)
    trained = train_policy(window.block, training, rules, costs)
    policy = load_policy(trained.checkpoint)
    taken = take_exam(exam.block, decided_by(policy), rules, costs, exam.drift_bps)
    ceiling = measure_ceiling(exam, rules, costs, exercise.grid)
    return ProofRow(
        **candidate._asdict(),
        net_bps=taken.net_bps_per_day,
        best_net_bps=ceiling.visible.net_bps_per_day,
        expected_net_bps=taken.expected_net_bps_per_day,
        best_expected_net_bps=ceiling.visible.expected_net_bps_per_day,
        latent_net_bps=ceiling.latent.net_bps_per_day,
        trades=taken.trades_per_day,
        best_trades=ceiling.visible.trades_per_day,
        steps=training.total_steps,
        model_id=trained.model_id,
    )
