"""The asset of patterns on a lake in which nothing was traded for as long as it looks back."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from huracan.analysis.memory.embedding import EmbeddingStatistics
from huracan.analysis.memory.rows import MEMORY_SCHEMA
from huracan.analysis.patterns.table import PATTERNS_SCHEMA
from huracan_assets.analysis.pattern_library import pattern_library
from huracan_assets.inputs.file_names import EMBEDDING_FILE
from huracan_assets.reads import resolve_all
from huracan_assets.stage import Outcome, StageContext
from huracan_resources.lake.manifest import Origin
from huracan_resources.lake.parquet import encode_table
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings

DAY = date(2025, 3, 20)
BEFORE = DAY - timedelta(days=1)
SPACE = EmbeddingStatistics(("f0", "f1"), np.zeros(2), np.ones(2), np.eye(2), 100, DAY - timedelta(days=60))


@pytest.fixture
def resources(tmp_path: Path) -> Resources:
    """A lake in which no session was traded for two days, and which remembers where its vectors lie."""
    made = Resources(load_settings(environ={"HURACAN_HOME": str(tmp_path)}))
    for day in (BEFORE, DAY):
        made.lake.write("trade_memory", day, {EMBEDDING_FILE: SPACE.to_json().encode()}, note="No session.")
        for asset in ("ohlcv", "market_costs", "features", "regimes", "shadow_trades"):
            made.lake.write(asset, day, {}, note="Not looked at without a trade.")
    return made


def _night(resources: Resources) -> Outcome:
    settings = load_settings(
        {"models.trailing_days": 2}, {"HURACAN_HOME": str(resources.settings.storage.home)}
    )
    inputs = resolve_all(resources.lake, pattern_library.reads, DAY, settings)
    return pattern_library.body(inputs, StageContext("pattern_library", DAY, settings, resources, ""))


def _remember_pattern(resources: Resources, space: EmbeddingStatistics, means: list[float]) -> None:
    """The library of the day before, of one pattern found in `space`."""
    row = dict.fromkeys(PATTERNS_SCHEMA.names) | {
        **{"day": BEFORE, "pattern_id": "p1", "name": "long: high f0", "state": "candidate", "side": "long"},
        **{"first_seen_day": date(2025, 1, 2), "last_seen_day": BEFORE, "number": 3, "trades": 50},
        **{"centroid": [1.0, 0.0], "feature_means": means, "embedding_version": space.version},
        **{"forward_nights": 4, "forward_trades": 40, "forward_wins": 30, "evidence": 500.0},
        **{"forward_net_sum_bps": 400.0, "forward_net_square_sum": 9000.0, "wealth": [500.0] * 5},
        **{"times_degraded": 0, "drift_evidence": 1.0, "drift_wealth": [1.0] * 5, "evidence_needed": 480.0},
        **{"recent_net_sum_bps": 10.0, "recent_trades": 5.0},
    }
    table = pa.Table.from_pylist([row], schema=PATTERNS_SCHEMA)
    files = {"data.parquet": encode_table(table), EMBEDDING_FILE: space.to_json().encode()}
    resources.lake.write("pattern_library", BEFORE, files)


def test_a_pattern_keeps_its_identity_and_its_record_while_nothing_is_traded(resources: Resources) -> None:
    _remember_pattern(resources, SPACE, [1.0, 0.0])
    outcome = _night(resources)
    (kept,) = outcome.tables["data"].to_pylist()
    assert (kept["pattern_id"], kept["number"], kept["first_seen_day"]) == ("p1", 3, date(2025, 1, 2))
    assert (kept["forward_trades"], kept["evidence"], kept["day"]) == (40, 500.0, DAY)
    assert all(verdict.passed for verdict in outcome.verdicts)
    assert outcome.tables["nights"].num_rows == 0 and EMBEDDING_FILE in outcome.files


@pytest.mark.parametrize(
    ("names", "means", "tonight"),
    [(("f1", "f0"), [5.0, 1.0], [1.0, 5.0]), (("f0",), [1.0], [1.0, None]), (("g",), [7.0], [None, None])],
)
def test_what_marks_a_pattern_is_carried_over_to_another_recipe_by_name(
    resources: Resources, names: tuple[str, ...], means: list[float], tonight: list[float | None]
) -> None:
    count = len(names)
    other = EmbeddingStatistics(
        names, np.zeros(count), np.ones(count), np.eye(count, 2), 100, SPACE.before_day
    )
    _remember_pattern(resources, other, means)
    (kept,) = _night(resources).tables["data"].to_pylist()
    assert [None if np.isnan(mean) else mean for mean in kept["feature_means"]] == tonight
    assert (kept["pattern_id"], kept["forward_trades"], kept["evidence"]) == ("p1", 40, 500.0)


def test_trades_of_other_entry_features_are_left_out_of_the_patterns_and_named(resources: Resources) -> None:
    _remember_pattern(resources, SPACE, [1.0, 0.0])
    trade = dict.fromkeys(MEMORY_SCHEMA.names) | {
        **{"day": BEFORE, "trade_id": "t1", "side": "long", "entry_features": [0.5, 0.25]},
        "closed_at": datetime(2025, 3, 19, 12, tzinfo=UTC),
    }
    table = encode_table(pa.Table.from_pylist([trade], schema=MEMORY_SCHEMA))
    for names, recipe, left_out in (
        (("f1", "f0"), "", True),
        (("f0", "f1"), "of longer bars", True),
        (("f0", "f1"), "", False),
    ):
        space = EmbeddingStatistics(names, np.zeros(2), np.ones(2), np.eye(2), 9, SPACE.before_day, recipe)
        files = {"data.parquet": table, EMBEDDING_FILE: space.to_json().encode()}
        resources.lake.write("trade_memory", BEFORE, files)
        note = _night(resources).note
        assert note.startswith("0 closed trades" if left_out else "1 closed trades")
        assert (f"Left out, for entry features of another recipe: {BEFORE}." in note) == left_out


@pytest.mark.parametrize("is_remade", [False, True])
def test_trades_that_were_remade_after_their_night_judge_no_pattern(
    resources: Resources, is_remade: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What other stops would have made of the trades is another matter, and needs a market.
    monkeypatch.setattr("huracan_assets.analysis.pattern_library._trials", lambda *given: None)
    _remember_pattern(resources, SPACE, [1.0, 0.0])
    trade = dict.fromkeys(MEMORY_SCHEMA.names) | {
        **{"day": DAY, "trade_id": "t1", "side": "long", "entry_features": [1.0, 0.0]},
        **{"signal_time": datetime(2025, 3, 20, 11, tzinfo=UTC), "net_bps": 12.0, "net_usd": 3.0},
        **{"closed_at": datetime(2025, 3, 20, 12, tzinfo=UTC), "entry_volatility_bps": 10.0},
    }
    table = encode_table(pa.Table.from_pylist([trade], schema=MEMORY_SCHEMA))
    resources.lake.write(
        "trade_memory", DAY, {"data.parquet": table, EMBEDDING_FILE: SPACE.to_json().encode()}
    )
    resources.lake.write("shadow_trades", DAY, {}, origin=Origin(remade=is_remade))
    outcome = _night(resources)
    (known,) = outcome.tables["data"].to_pylist()
    assert (known["forward_trades"], known["forward_nights"]) == ((40, 4) if is_remade else (41, 5))
    assert (known["evidence"] == 500.0) is is_remade
    assert outcome.tables["nights"].num_rows == (0 if is_remade else 1)
    assert ("remade after their night" in outcome.note) is is_remade
    assert all(verdict.passed for verdict in outcome.verdicts)


def test_before_the_first_trade_there_is_no_library_and_it_says_why(resources: Resources) -> None:
    resources.lake.write("pattern_library", BEFORE, {}, note="No trade.")
    outcome = _night(resources)
    assert not outcome.tables and outcome.note == "No trade up to 2025-03-20 is in memory."
