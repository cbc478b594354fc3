"""Does the pattern library find what is there, and nothing where there is nothing? Nights played on both."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow.compute as pc

from huracan.analysis.memory.agreement import Lift, agreement_lift
from huracan.analysis.patterns.table import RELIABLE
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules
from huracan.proof.pattern_proof_settings import PATTERN_CASES, PatternCase, PatternProofSettings
from huracan.proof.pattern_proof_table import MarketRow, PatternProof, bars_of
from huracan.proof.planted_market import FEATURE_NAMES, PlantedMarketConfig, plant_market
from huracan.proof.proof_table import Bar
from huracan.proof.simulated_nights import SimulatedNight, simulate_nights

_FLOW = FEATURE_NAMES.index("flow_15")


def prove_patterns(
    settings: PatternProofSettings,
    cases: Sequence[PatternCase] = PATTERN_CASES,
    on_row: Callable[[MarketRow], None] | None = None,
) -> PatternProof:
    """Plays every market of every case; `on_row` hears each when it is there. The same settings give the same
    rows."""
    rows: list[MarketRow] = []
    bars: list[Bar] = []
    for case in cases:
        found = []
        for index in range(settings.markets):
            row = _market(case, settings.first_seed + index, settings)
            found.append(row)
            if on_row is not None:
                on_row(row)
        rows += found
        bars += bars_of(case, found, settings)
    return PatternProof(tuple(rows), tuple(bars))


def _market(case: PatternCase, seed: int, settings: PatternProofSettings) -> MarketRow:
    market = plant_market(
        PlantedMarketConfig(
            edge_bps=settings.edge_bps if case == "planted" else 0.0,
            symbols=settings.symbols,
            days=settings.lead_days + settings.nights,
            seed=seed,
        )
    )
    costs = CostAssumptions(multiplier=0.0 if case == "fair" else 1.0)
    found_night = false_night = None
    trades, net_bps, last = 0, 0.0, None
    nights = simulate_nights(
        market, settings.lead_days, settings.entry_chance, TradingRules(), costs, settings.config
    )
    for number, night in enumerate(nights, start=1):
        trades += night.trades.num_rows
        net_bps += pc.sum(night.trades["net_bps"]).as_py() or 0.0
        for row in _reliable(night):
            is_planted = case == "planted" and row["feature_means"][_FLOW] > settings.truly_planted
            found_night = number if is_planted and found_night is None else found_night
            false_night = number if not is_planted and false_night is None else false_night
        last = night
    best, lift = _most_evident(last), _outcome_lift(last)
    return MarketRow(
        case=case,
        seed=seed,
        trades=trades,
        mean_net_bps=net_bps / max(1, trades),
        patterns=0 if last is None else last.library.table.num_rows,
        found_night=found_night,
        false_night=false_night,
        name=best.get("name", ""),
        evidence=best.get("evidence", 1.0),
        forward_trades=best.get("forward_trades", 0),
        forward_mean_net_bps=best.get("forward_mean_net_bps"),
        outcome_lift=None if lift is None else lift.mean,
        outcome_lift_low=None if lift is None else lift.low,
    )


def _reliable(night: SimulatedNight) -> list[dict[str, Any]]:
    table = night.library.table
    rows: list[dict[str, Any]] = table.filter(pc.equal(table["state"], RELIABLE)).to_pylist()
    return rows


def _most_evident(night: SimulatedNight | None) -> dict[str, Any]:
    rows = [] if night is None else night.library.table.to_pylist()
    return max(rows, key=lambda row: row["evidence"] / row["evidence_needed"], default={})


def _outcome_lift(night: SimulatedNight | None) -> Lift | None:
    if night is None:
        return None
    lift, _, _ = agreement_lift(night.memory, np.asarray(night.memory["is_winner"].to_numpy()))
    return None if np.isnan(lift.mean) else lift
