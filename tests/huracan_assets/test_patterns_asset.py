"""The asset of patterns on a lake in which nothing was traded for as long as it looks back."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from huracan.analysis.memory.embedding import EmbeddingStatistics
from huracan.analysis.patterns.table import PATTERNS_SCHEMA
from huracan_assets.analysis.pattern_library import pattern_library
from huracan_assets.inputs.file_names import EMBEDDING_FILE
from huracan_assets.reads import resolve_all
from huracan_assets.stage import Outcome, StageContext
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
        for asset in ("ohlcv", "features", "regimes"):
            made.lake.write(asset, day, {}, note="Not looked at without a trade.")
    return made


def _night(resources: Resources) -> Outcome:
    settings = load_settings(
        {"models.trailing_days": 2}, {"HURACAN_HOME": str(resources.settings.storage.home)}
    )
    inputs = resolve_all(resources.lake, pattern_library.reads, DAY, settings)
    return pattern_library.body(inputs, StageContext("pattern_library", DAY, settings, resources, ""))


def test_a_pattern_keeps_its_identity_and_its_record_while_nothing_is_traded(resources: Resources) -> None:
    row = dict.fromkeys(PATTERNS_SCHEMA.names) | {
        **{"day": BEFORE, "pattern_id": "p1", "name": "long: high f0", "state": "candidate", "side": "long"},
        **{"first_seen_day": date(2025, 1, 2), "last_seen_day": BEFORE, "number": 3, "trades": 50},
        **{"centroid": [1.0, 0.0], "feature_means": [1.0, 0.0], "embedding_version": SPACE.version},
        **{"forward_nights": 4, "forward_trades": 40, "forward_wins": 30, "evidence": 500.0},
        **{"forward_net_sum_bps": 400.0, "forward_net_square_sum": 9000.0, "wealth": [500.0] * 5},
        **{"times_degraded": 0, "drift_evidence": 1.0, "drift_wealth": [1.0] * 5, "evidence_needed": 480.0},
        **{"recent_net_sum_bps": 10.0, "recent_trades": 5.0},
    }
    table = pa.Table.from_pylist([row], schema=PATTERNS_SCHEMA)
    resources.lake.write("pattern_library", BEFORE, {"data.parquet": encode_table(table)})
    outcome = _night(resources)
    (kept,) = outcome.tables["data"].to_pylist()
    assert (kept["pattern_id"], kept["number"], kept["first_seen_day"]) == ("p1", 3, date(2025, 1, 2))
    assert (kept["forward_trades"], kept["evidence"], kept["day"]) == (40, 500.0, DAY)
    assert all(verdict.passed for verdict in outcome.verdicts)
    assert outcome.tables["nights"].num_rows == 0 and EMBEDDING_FILE in outcome.files


def test_before_the_first_trade_there_is_no_library_and_it_says_why(resources: Resources) -> None:
    resources.lake.write("pattern_library", BEFORE, {}, note="No trade.")
    outcome = _night(resources)
    assert not outcome.tables and outcome.note == "No trade up to 2025-03-20 is in memory."
