"""The day on paper where the policy of the day before cannot trade it."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from huracan.agent.layout import initial_weights
from huracan.agent.normaliser import Normaliser
from huracan.agent.policy.checkpoint import save_policy
from huracan.agent.policy.greedy_policy import GreedyPolicy
from huracan.features.recipe import EVERY_COLUMN
from huracan.market.actions import action_names
from huracan.market.observation import observation_names
from huracan_assets.reads import resolve_all
from huracan_assets.shadow.shadow_trades import shadow_trades
from huracan_assets.stage import Outcome, StageContext
from huracan_resources.lake.parquet import encode_table
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings

DAY = date(2025, 3, 20)
BEFORE = DAY - timedelta(days=1)


def _checkpoint(columns: tuple[str, ...]) -> bytes:
    names, actions = observation_names(columns), action_names(False)
    weights = initial_weights(len(names), len(actions), (8, 8), np.random.default_rng(0))
    return save_policy(GreedyPolicy(weights, (8, 8), Normaliser(len(names)), names, actions, None, 1.0), {})


def _trade(home: Path, checkpoint: bytes, settings: dict[str, object]) -> Outcome:
    resources = Resources(load_settings(settings, {"HURACAN_HOME": str(home)}))
    resources.lake.write("ppo_checkpoint", BEFORE, {"policy.safetensors": checkpoint})
    for asset in ("features", "regimes", "ohlcv"):
        table = encode_table(pa.table({"value": [1]}))
        resources.lake.write(asset, DAY, {"data.parquet": table})
    inputs = resolve_all(resources.lake, shadow_trades.reads, DAY, resources.settings)
    return shadow_trades.body(inputs, StageContext("shadow_trades", DAY, resources.settings, resources, ""))


@pytest.mark.parametrize(
    ("columns", "settings", "why"),
    [
        (EVERY_COLUMN.names[1:], {}, "The checkpoint was trained on other columns"),
        (
            EVERY_COLUMN.names,
            {"market.rules.allow_short": True},
            "The checkpoint has another list of actions than the rules",
        ),
    ],
    ids=["new feature", "short sales"],
)
def test_a_day_whose_policy_knows_other_columns_or_actions_stays_untraded_and_says_why(
    tmp_path: Path, columns: tuple[str, ...], settings: dict[str, object], why: str
) -> None:
    outcome = _trade(tmp_path, _checkpoint(columns), settings)
    assert not outcome.tables and not outcome.verdicts
    assert outcome.note.startswith(f"No policy of the day before {DAY}: {why}")
