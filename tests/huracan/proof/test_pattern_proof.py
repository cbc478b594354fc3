"""The pattern library on simulated nights: it finds what was planted, and nothing where nothing was."""

from dataclasses import replace
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from huracan.analysis.patterns.checks import judge_patterns
from huracan.analysis.patterns.config import PatternConfig
from huracan.candles.schema import day_end
from huracan.errors import InvalidInput
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules
from huracan.proof.pattern_proof import prove_patterns
from huracan.proof.pattern_proof_settings import PatternProofSettings
from huracan.proof.planted_market import PlantedMarketConfig, plant_market
from huracan.proof.simulated_nights import SimulatedNight, simulate_nights


def _nights(days: int, seed: int = 3) -> list[SimulatedNight]:
    market = plant_market(PlantedMarketConfig(edge_bps=2.5, symbols=4, days=days, seed=seed))
    return list(simulate_nights(market, 1, 0.05, TradingRules(), CostAssumptions(), PatternConfig()))


@pytest.mark.slow
def test_a_planted_pattern_is_reliable_within_ten_nights_and_nothing_is_without_one() -> None:
    proof = prove_patterns(replace(PatternProofSettings(), markets=1, first_seed=5))
    planted, none, fair = proof.rows
    assert proof.is_met and [bar.case for bar in proof.bars] == ["planted", "planted", "none", "fair"]
    assert planted.found_night is not None and planted.found_night <= 10
    assert none.found_night is none.false_night is fair.found_night is fair.false_night is None
    assert none.mean_net_bps < -10 < fair.mean_net_bps
    assert planted.outcome_lift_low is not None and none.outcome_lift is not None
    assert planted.outcome_lift_low > 0.05 > abs(none.outcome_lift)


def test_every_trade_of_the_ledger_is_counted_once_when_none_of_its_time_is_open_any_more() -> None:
    holding, counted, last = timedelta(hours=2), set[str](), None
    traded: dict[str, datetime] = {}
    crossed = 0
    for night in _nights(4):
        library, end = night.library, day_end(night.day)
        assert judge_patterns(library).passed
        rows = night.trades.to_pylist()
        traded |= {row["trade_id"]: row["signal_time"] for row in rows}
        crossed += sum(row["signal_time"] < end - timedelta(days=1) for row in rows)
        if last is not None:
            ids = library.new_trades["trade_id"].to_pylist()
            ripe = {name for name, signal in traded.items() if last < signal <= end - holding}
            assert set(ids) == ripe and not counted & ripe and len(ids) == len(ripe)
            counted |= ripe
            told = pc.sum(library.nights["net_usd"]).as_py()
            assert told == pytest.approx(pc.sum(library.new_trades["net_usd"]).as_py(), abs=1e-6)
        last = end - holding
    assert crossed > 3  # entered on one day, left on the next


def test_what_a_night_found_does_not_change_when_more_days_follow() -> None:
    short, long = _nights(4), _nights(5)
    for early, late in zip(short, long, strict=False):
        assert pa.Table.equals(early.library.table, late.library.table)


def test_a_proof_without_a_market_is_refused() -> None:
    with pytest.raises(InvalidInput):
        PatternProofSettings(markets=0)
    with pytest.raises(InvalidInput):
        PatternProofSettings(entry_chance=0.0)
