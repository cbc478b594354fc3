"""Twenty nights from empty: nothing fails for want of a past; what is missing says so until it is there."""

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pyarrow.compute as pc
import pytest

from huracan_assets.analysis.pattern_library import pattern_library
from huracan_assets.analysis.trade_memory import trade_memory
from huracan_assets.gates.gate_decisions import gate_decisions
from huracan_assets.gates.gate_stats import gate_stats
from huracan_assets.learning.confidence_model import confidence_model
from huracan_assets.learning.conformal_model import conformal_model
from huracan_assets.learning.meta_label_model import meta_label_model
from huracan_assets.shadow.entry_alternatives import entry_alternatives
from huracan_assets.shadow.explored_trades import explored_trades
from huracan_assets.shadow.gated_trades import gated_trades
from huracan_assets.shadow.shadow_trades import shadow_trades
from huracan_assets.stage import Outcome
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings
from tests.huracan_assets.shadow.paper_home import FIRST, HOURS, Paper

NIGHTS = 20
NEAR_EXITS = {
    "market.rules.maximum_holding": "12h",
    "market.rules.stop_volatilities": 0.7,
    "market.rules.target_volatilities": 1.0,
    "gates.scratch.young_share": {"scalp": 0.5},
}
"""Most trades end at target or stop, and count as young for some hours: so every gate has a past before the
last night."""
WANT = ("needed", "give no edge", "say too little")
"""Of the reasons of a gate whose past is too short."""
MODELS = (confidence_model, meta_label_model, conformal_model)
STAGES = (
    shadow_trades, gated_trades, explored_trades, trade_memory, pattern_library, *MODELS, gate_decisions,
    gate_stats, entry_alternatives,
)  # fmt: skip


Night = dict[str, Outcome]


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> list[Night]:
    home: Path = tmp_path_factory.mktemp("cold")
    settings = load_settings(HOURS | NEAR_EXITS, {"HURACAN_HOME": str(home)})
    paper = Paper(Resources(settings))
    days = [FIRST + timedelta(days=number) for number in range(NIGHTS)]
    paper.market(*(FIRST - timedelta(days=back) for back in range(12, 0, -1)), *days)
    found: list[Night] = []
    for day in days:
        found.append({stage.name: _made(paper, day, stage) for stage in STAGES})
        paper.train(day)
    return found


def _made(paper: Paper, day: date, stage: object) -> Outcome:
    return paper.trade(day, stage=stage)  # type: ignore[arg-type]


def test_the_first_night_says_of_all_that_is_missing_why(nights: list[Night]) -> None:
    first = nights[0]
    for model in MODELS:
        assert not first[model.name].files and "are needed" in first[model.name].note
    decisions = first["gate_decisions"].tables["data"]
    assert set(decisions["book"].to_pylist()) == {"explored"}, "no policy has traded yet"
    for row in decisions.filter(pc.equal(decisions["verdict"], "abstain")).to_pylist():
        assert row["reason"].endswith(".")


def test_every_model_is_fitted_from_the_tenth_night_on_and_says_before_why_it_is_not(
    nights: list[Night],
) -> None:
    for model in MODELS:
        fitted = [bool(night[model.name].files) for night in nights]
        assert not any(fitted[:2]) and all(fitted[9:]), fitted
        assert all(night[model.name].note for night, own in zip(nights, fitted, strict=True) if not own)


def test_the_memory_grows_every_night_by_both_books(nights: list[Night]) -> None:
    counts = [Counter(night["trade_memory"].tables["data"]["book"].to_pylist()) for night in nights[1:]]
    assert all(count["explored"] > 0 for count in counts)
    assert sum(count["policy"] for count in counts) > 0


def test_no_gate_abstains_from_everything_for_want_of_a_past_in_the_end(nights: list[Night]) -> None:
    decisions = nights[-1]["gate_decisions"].tables["data"]
    for gate in set(decisions["gate"].to_pylist()) - {"combined"}:
        own = decisions.filter(pc.equal(decisions["gate"], gate)).to_pylist()
        silent = [row["reason"] for row in own if row["verdict"] == "abstain"]
        if len(silent) == len(own):
            assert not any(words in reason for reason in silent for words in WANT), silent[0]


def test_what_others_would_have_brought_has_no_interval_before_it_can_have_one(nights: list[Night]) -> None:
    first, last = (nights[number]["entry_alternatives"].tables["data"].to_pylist() for number in (0, -1))
    assert all(row["low_bps"] is None and row["note"] for row in first)
    assert [row["low_bps"] is not None for row in last if row["scope"] == "all"] == [True, True]
