"""Where every weight lies: as torch's own parameters do."""

import numpy as np
import pytest
import torch

from huracan.agent.engines.network import PolicyValueNetwork, log_probabilities
from huracan.agent.layout import initial_weights, named_weights, spread_weights, weight_count

HIDDEN = (16, 8)


def test_the_order_and_the_names_are_those_of_the_torch_module() -> None:
    flat = np.arange(weight_count(5, 3, HIDDEN), dtype=np.float32)
    network = PolicyValueNetwork(5, 3, HIDDEN, flat)
    views = named_weights(flat, 5, 3, HIDDEN)
    named = dict(network.named_parameters())
    assert list(views) == list(named)
    assert all(np.array_equal(views[name], named[name].detach().numpy()) for name in views)
    joined = torch.cat([parameter.detach().reshape(-1) for parameter in network.parameters()])
    assert np.array_equal(joined.numpy(), flat)


def test_the_network_computes_two_tanh_towers() -> None:
    flat = initial_weights(5, 3, HIDDEN, np.random.default_rng(0))
    views = named_weights(flat, 5, 3, HIDDEN)
    seen = np.random.default_rng(1).standard_normal((7, 5)).astype(np.float32)
    logits, values = PolicyValueNetwork(5, 3, HIDDEN, flat)(torch.from_numpy(seen))
    for tower, found in (("policy", logits), ("value", values[:, None])):
        hidden = seen
        for index in (0, 2):
            hidden = np.tanh(hidden @ views[f"{tower}.{index}.weight"].T + views[f"{tower}.{index}.bias"])
        expected = hidden @ views[f"{tower}.4.weight"].T + views[f"{tower}.4.bias"]
        assert found.detach().numpy() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("hidden", [HIDDEN, ()])
def test_spread_over_columns_that_it_was_not_given_a_network_says_the_same_whatever_they_hold(
    hidden: tuple[int, ...],
) -> None:
    given = np.array([0, 3])
    flat = initial_weights(2, 3, hidden, np.random.default_rng(0))
    spread = spread_weights(flat, given, 5, 3, hidden)
    seen = np.random.default_rng(1).standard_normal((7, 5)).astype(np.float32)
    narrow = PolicyValueNetwork(2, 3, hidden, flat)(torch.from_numpy(seen[:, given]))
    wide = PolicyValueNetwork(5, 3, hidden, spread)(torch.from_numpy(seen))
    for one, other in zip(narrow, wide, strict=True):
        assert one.detach().numpy() == pytest.approx(other.detach().numpy(), abs=1e-6)


def test_the_first_bias_sets_how_often_an_action_is_tried() -> None:
    flat = initial_weights(5, 3, HIDDEN, np.random.default_rng(0), (0.0, -3.0, -3.0))
    seen = torch.from_numpy(np.random.default_rng(1).standard_normal((50, 5)).astype(np.float32))
    logits, _ = PolicyValueNetwork(5, 3, HIDDEN, flat)(seen)
    offsets = torch.tensor([[0.0, 0.0, -1e9]]).expand(50, 3)
    chances = log_probabilities(logits, offsets).exp()
    assert (chances[:, 2] == 0).all()
    assert chances[:, 1].mean().item() == pytest.approx(np.exp(-3) / (1 + np.exp(-3)), abs=0.01)


def test_two_generators_of_one_seed_give_the_same_weights() -> None:
    first, second = (initial_weights(9, 4, (8,), np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(first, second)
