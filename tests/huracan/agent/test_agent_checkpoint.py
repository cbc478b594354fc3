"""Bytes out, the same policy in; anything else is refused."""

import json

import numpy as np
import pytest
import torch

from huracan.agent.checkpoint import load_policy, model_id_of, read_agreement, save_policy
from huracan.agent.network import PolicyValueNetwork
from huracan.agent.normaliser import Normaliser
from huracan.agent.trained_policy import GreedyPolicy
from huracan.errors import InputRefused

NAMES = ("a", "b", "c")


@pytest.fixture
def policy() -> GreedyPolicy:
    normaliser = Normaliser(3, [True, True, False])
    normaliser.update(np.random.default_rng(0).normal(4.0, 2.0, (100, 3)))
    network = PolicyValueNetwork(3, 5, (8, 8), torch.Generator().manual_seed(1))
    return GreedyPolicy(network, normaliser, NAMES)


def test_a_loaded_policy_decides_the_same_to_the_bit(policy: GreedyPolicy) -> None:
    checkpoint = save_policy(policy, (8, 8), {"seed": 1})
    loaded = load_policy(checkpoint, NAMES)
    generator = np.random.default_rng(2)
    seen = generator.normal(4.0, 2.0, (500, 3)).astype(np.float32)
    seen[::7, 1] = np.nan
    masks = generator.random((500, 5)) > 0.3
    masks[:, 0] = True
    before, after = policy.decide(seen, masks), loaded.decide(seen, masks)
    for name in ("actions", "logits", "probabilities", "values"):
        assert np.array_equal(getattr(before, name), getattr(after, name))
    assert masks[np.arange(500), after.actions].all()
    assert loaded.model_id == model_id_of(checkpoint)


def test_the_same_policy_gives_the_same_bytes(policy: GreedyPolicy) -> None:
    assert save_policy(policy, (8, 8), {"b": 1, "a": 2}) == save_policy(policy, (8, 8), {"a": 2, "b": 1})


def test_the_header_says_what_the_policy_was_trained_on(policy: GreedyPolicy) -> None:
    agreement = read_agreement(save_policy(policy, (8, 8), {"seed": 9}))
    assert agreement["observation_names"] == list(NAMES)
    assert agreement["action_names"][0] == "WAIT"
    assert agreement["training"] == {"seed": 9}


def test_other_columns_are_refused(policy: GreedyPolicy) -> None:
    checkpoint = save_policy(policy, (8, 8), {})
    with pytest.raises(InputRefused, match="other columns"):
        load_policy(checkpoint, ("a", "b", "d"))
    with pytest.raises(InputRefused, match="their order"):
        load_policy(checkpoint, ("b", "a", "c"))


def test_a_cut_or_foreign_checkpoint_is_refused(policy: GreedyPolicy) -> None:
    checkpoint = save_policy(policy, (8, 8), {})
    for damaged in (b"", b"hello", checkpoint[:-10], checkpoint[:100], b"\xff" * 200):
        with pytest.raises(InputRefused):
            load_policy(damaged)


def test_another_architecture_than_the_header_says_is_refused(policy: GreedyPolicy) -> None:
    checkpoint = save_policy(policy, (8, 4), {})
    with pytest.raises(InputRefused, match="damaged"):
        load_policy(checkpoint)


def test_another_list_of_actions_is_refused(policy: GreedyPolicy) -> None:
    checkpoint = save_policy(policy, (8, 8), {})
    length = int.from_bytes(checkpoint[:8], "little")
    header = checkpoint[8 : 8 + length].decode().replace("ENTER_FULL", "ENTER_FOOL")
    assert json.loads(header)
    with pytest.raises(InputRefused, match="actions"):
        load_policy(checkpoint[:8] + header.encode() + checkpoint[8 + length :])
