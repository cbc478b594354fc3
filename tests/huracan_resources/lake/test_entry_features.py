"""What the entry features of a stored ledger are called: by the ledger, or by what it was made from."""

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from huracan.agent.policy.sealed_tensors import seal
from huracan.features.naming import Unnamed
from huracan_resources.lake.entry_features import TRACE_FILE, entry_feature_names
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.manifest import Manifest, Origin
from huracan_resources.lake.parquet import encode_table
from huracan_resources.lake.store import LocalStore

DAY = date(2025, 3, 20)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(LocalStore(tmp_path))


def _features(lake: Lake, *names: str) -> Manifest:
    columns = ("symbol", "open_time", "is_ready", *names)
    return lake.write("features", DAY, {"data.parquet": encode_table(pa.table({c: [1] for c in columns}))})


def _ledger(lake: Lake, trace: dict[str, object], features: Manifest | None) -> Manifest:
    inputs = {features.key: features.content_hash} if features else {}
    return lake.write("shadow_trades", DAY, {TRACE_FILE: json.dumps(trace).encode()}, origin=Origin(inputs))


def test_a_ledger_names_its_own_entry_features_whatever_lies_beside_it(lake: Lake) -> None:
    ledger = _ledger(lake, {"entry_features": ["b", "a"]}, _features(lake, "x", "y"))
    assert entry_feature_names(lake, ledger) == ("b", "a")


def test_a_ledger_of_before_has_the_columns_of_the_features_that_it_was_made_from(lake: Lake) -> None:
    features = _features(lake, "return_1_bps", "atr_14_bps")
    assert entry_feature_names(lake, _ledger(lake, {}, features)) == ("return_1_bps", "atr_14_bps")
    without_trace = lake.write("shadow_trades", DAY, {}, origin=Origin({features.key: features.content_hash}))
    assert entry_feature_names(lake, without_trace) == ("return_1_bps", "atr_14_bps")


def test_features_that_were_made_anew_or_are_gone_name_nothing(lake: Lake) -> None:
    features = _features(lake, "a", "b")
    ledger = _ledger(lake, {}, features)
    _features(lake, "b", "a")
    found = entry_feature_names(lake, ledger)
    assert isinstance(found, Unnamed) and "the features that it was made from are gone" in found.why
    assert isinstance(entry_feature_names(lake, _ledger(lake, {}, None)), Unnamed)
    again = lake.age_out(_features(lake, "a", "b"), "data.parquet", DAY)
    aged = entry_feature_names(lake, _ledger(lake, {}, again))
    assert isinstance(aged, Unnamed) and "aged out" in aged.why


def test_of_features_that_were_made_anew_the_policy_that_saw_them_knows_the_names(lake: Lake) -> None:
    features = _features(lake, "a", "b")
    observed = ["a", "b", "regime_trend", "regime_range", "position_side", "time_of_day_sin"]
    sealed = seal({"weights": np.ones(2)}, {"observation_names": observed})
    before = DAY - timedelta(days=1)
    policy = lake.write("ppo_checkpoint", before, {"policy.safetensors": sealed})
    inputs = {each.key: each.content_hash for each in (features, policy)}
    ledger = lake.write("shadow_trades", DAY, {}, origin=Origin(inputs))
    _features(lake, "b", "a", "c")
    assert entry_feature_names(lake, ledger) == ("a", "b")
    lake.write("ppo_checkpoint", before, {"policy.safetensors": seal({}, {"observation_names": ["z"]})})
    assert isinstance(entry_feature_names(lake, ledger), Unnamed), "another policy saw other features"


def test_a_damaged_trace_names_nothing_and_says_so(lake: Lake) -> None:
    ledger = lake.write("shadow_trades", DAY, {TRACE_FILE: b"{"})
    found = entry_feature_names(lake, ledger)
    assert isinstance(found, Unnamed) and "not readable as JSON" in found.why
