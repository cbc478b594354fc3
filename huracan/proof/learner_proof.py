"""Does the agent learn? Nights trained on planted markets by the product's own path, and what they earn then.

The window of every night is judged and split as ever; the exam days lie behind it. A night chooses by its own
window alone; how the learner's settings were chosen is said at `ProofSettings.first_seed`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

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
    falling_trades,
    share_of_best,
)

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
    net = sum(row.net_bps for row in rows) / max(1, len(rows))
    return at_least(case, "net bps per day and symbol, mean of seeds", net, settings.minimum_net_bps)


def _seeds(settings: ProofSettings, most: int | None = None) -> range:
    count = settings.seeds if most is None else min(settings.seeds, most)
    return range(settings.first_seed, settings.first_seed + count)


def _rows_at_edge(case: Case, edge_bps: float, settings: ProofSettings) -> Iterator[ProofRow]:
    for seed in _seeds(settings):
        market = plant_market(_market_of(settings, edge_bps, seed))
        yield _night(_Candidate(case, "", seed), market, settings, settings.taker_fee_bps)


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
            yield _night(_Candidate("costs", f"{fee_bps:g} bps", seed), market, single, fee_bps)


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
            known = replace(settings, training=training)
            days = days_of(market, first, first + window - 1)
            yield _examine(_Candidate("switch", variant, seed), days, exam, known, settings.taker_fee_bps)


_ROWS: dict[Case, Callable[[ProofSettings], Iterator[ProofRow]]] = {
    "planted": _planted,
    "weak": _weak,
    "none": _none,
    "switch": _switch,
    "costs": _costs,
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


def _night(candidate: _Candidate, market: PlantedMarket, settings: ProofSettings, fee_bps: float) -> ProofRow:
    """Trained on the market's first days and examined on the rest."""
    window = days_of(market, 0, settings.window_days - 1)
    exam = days_of(market, settings.window_days, market.config.days - 1)
    return _examine(candidate, window, exam, settings, fee_bps)


def _examine(
    candidate: _Candidate,
    window: PlantedMarket,
    exam: PlantedMarket,
    settings: ProofSettings,
    fee_bps: float,
) -> ProofRow:
    from huracan.agent.night.train import train_policy
    from huracan.agent.policy.checkpoint import load_policy

    rules, costs = TradingRules(), CostAssumptions(taker_fee_bps=fee_bps)
    training = replace(settings.training, seed=candidate.seed)
    trained = train_policy(window.block, training, rules, costs)
    policy = load_policy(trained.checkpoint)
    taken = take_exam(exam.block, decided_by(policy), rules, costs, exam.drift_bps)
    ceiling = measure_ceiling(exam, rules, costs, settings.grid)
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
