"""A small untrained policy and a whole brain made of it."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from huracan.agent.layout import initial_weights, named_weights
from huracan.agent.normaliser import Normaliser
from huracan.agent.policy.checkpoint import save_policy
from huracan.agent.policy.context_bias import BiasConfig, ContextBias
from huracan.agent.policy.greedy_policy import GreedyPolicy
from huracan.brain.bundle import BundleParts
from huracan.market.actions import action_names, mask_rules
from huracan.models.config import Unfit
from huracan.promotion.verdict import BrainVerdict

STATE = ("regime_panic", "position_unrealised", "position_age", "cost_in_volatility", "pattern_reliability")
NAMES = (*(f"column_{index}" for index in range(8)), *STATE)
WIDTH, HIDDEN = len(NAMES), (16, 16)
ACTIONS = action_names(False)


def make_policy(actions: tuple[str, ...], bias: BiasConfig | None) -> GreedyPolicy:
    """Random weights; columns of very different scale, one that never varied, the state's not scaled."""
    weights = initial_weights(WIDTH, len(actions), HIDDEN, np.random.default_rng(5))
    # Let the answers differ; the head starts nearly at zero.
    named_weights(weights, WIDTH, len(actions), HIDDEN)["policy.4.weight"][:] *= 100.0
    normaliser = Normaliser(WIDTH, [True] * 8 + [False] * len(STATE))
    generator = np.random.default_rng(2)
    seen = generator.normal(3.0, 10.0 ** generator.uniform(-3, 2, WIDTH), (500, WIDTH))
    seen[:, 3] = 7.0
    normaliser.update(seen)
    context = None if bias is None else ContextBias(NAMES, actions, bias)
    return GreedyPolicy(weights, HIDDEN, normaliser, NAMES, actions, context, value_scale=2.5)


@pytest.fixture(scope="session")
def policy() -> GreedyPolicy:
    """Of the long-only market, with its bias on."""
    return make_policy(ACTIONS, BiasConfig())


@pytest.fixture(scope="session")
def parts(policy: GreedyPolicy) -> BundleParts:
    return make_parts(policy)


def make_parts(policy: GreedyPolicy) -> BundleParts:
    """Promoted on simulated candles, without models."""
    return BundleParts(
        day=date(2025, 6, 30),
        code_version="0.1.0",
        checkpoint=save_policy(policy, {"seed": 5}),
        timeframe="1m",
        symbols=("BTC/USDT", "ETH/USDT"),
        recipe={"names": ["column_0"], "version": "1", "warmup_bars": 300, "digest": "d1"},
        mask_rules=mask_rules(False),
        regimes={"means": [0.1, 0.2]},
        gates={"order": ["cost"]},
        confidence=Unfit("5 closed trades, 60 are needed.", 5),
        meta_label=Unfit("5 closed trades, 60 are needed.", 5),
        conformal=Unfit("5 closed trades, 60 are needed.", 5),
        costs={"taker_fee_bps": None},
        markets={"BTC/USDT": {"kind": "spot", "taker_fee_bps": 10.0}},
        trading_rules={"notional_usd": 1000.0},
        patterns={"embedding": None, "centroids": [], "outcomes": [], "trust": []},
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
