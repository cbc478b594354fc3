"""A small untrained policy and a whole brain made of it."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import torch

from huracan.agent.checkpoint import save_policy
from huracan.agent.network import PolicyValueNetwork
from huracan.agent.normaliser import Normaliser
from huracan.agent.trained_policy import GreedyPolicy
from huracan.brain.bundle import BundleParts
from huracan.evaluation.promotion import BrainVerdict
from huracan.market.actions import ACTION_NAMES
from huracan.models.config import Unfit

WIDTH, HIDDEN = 12, (16, 16)


@pytest.fixture(scope="session")
def policy() -> GreedyPolicy:
    """Random weights; columns of very different scale, the last four of them not scaled."""
    network = PolicyValueNetwork(WIDTH, len(ACTION_NAMES), HIDDEN, torch.Generator().manual_seed(5))
    with torch.no_grad():
        network.policy[-1].weight.mul_(100.0)  # Let the answers differ; the head starts nearly at zero.
    normaliser = Normaliser(WIDTH, [True] * 8 + [False] * 4)
    generator = np.random.default_rng(2)
    normaliser.update(generator.normal(3.0, 10.0 ** generator.uniform(-3, 2, WIDTH), (500, WIDTH)))
    return GreedyPolicy(network.eval(), normaliser, tuple(f"column_{place}" for place in range(WIDTH)))


@pytest.fixture(scope="session")
def parts(policy: GreedyPolicy) -> BundleParts:
    """Promoted on simulated candles, without models."""
    return BundleParts(
        day=date(2025, 6, 30),
        code_version="0.1.0",
        checkpoint=save_policy(policy, HIDDEN, {"seed": 5}),
        timeframe="1m",
        symbols=("BTC/USDT", "ETH/USDT"),
        recipe={"names": ["column_0"], "warmup_bars": 300, "digest": "d1"},
        mask_rules=dict.fromkeys(ACTION_NAMES, "always"),
        regimes={"means": [0.1, 0.2]},
        gates={"order": ["cost"]},
        confidence=Unfit("5 closed trades, 60 are needed.", 5),
        meta_label=Unfit("5 closed trades, 60 are needed.", 5),
        costs={"taker_fee_bps": 10.0},
        trading_rules={"notional_usd": 1000.0},
        data_hashes={"2025-06-29": "aa", "2025-06-30": "bb"},
        source="simulated",
        is_simulated=True,
        verdict=BrainVerdict(True, False, ("It passed.",), {"net_usd": 5.0}),
    )


@pytest.fixture(scope="session")
def real_parts(parts: BundleParts) -> BundleParts:
    """The same, promoted on real candles."""
    verdict = BrainVerdict(True, True, ("It passed.",), {})
    return replace(parts, is_simulated=False, source="files", verdict=verdict)
