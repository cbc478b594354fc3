"""Our Adam against torch's."""

import torch
from torch import nn

from huracan.agent.engines.adam import FlatAdam


def test_it_walks_like_torch_with_clipped_gradients() -> None:
    generator = torch.Generator().manual_seed(0)
    data, goal = torch.randn(64, 4, generator=generator), torch.randn(64, 2, generator=generator)
    first, second = (nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2)) for _ in range(2))
    second.load_state_dict(first.state_dict())
    ours, theirs = FlatAdam(first, 1e-5), torch.optim.Adam(second.parameters(), eps=1e-5)
    for step in range(50):
        rate = 0.01 * (1 - step / 50)
        ours.clear()
        torch.autograd.backward(((first(data) - goal) ** 2).mean())
        norm = ours.clip(0.1)
        ours.step(rate, torch.tensor(True) if step % 2 else None)
        theirs.zero_grad()
        torch.autograd.backward(((second(data) - goal) ** 2).mean())
        expected = nn.utils.clip_grad_norm_(second.parameters(), 0.1)
        theirs.param_groups[0]["lr"] = rate
        theirs.step()
        assert torch.allclose(norm, expected, rtol=1e-4)
    for mine, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.allclose(mine, other, atol=1e-5)


def test_a_step_that_does_not_apply_changes_nothing_even_where_the_gradient_is_no_number() -> None:
    network = nn.Linear(3, 2)
    adam = FlatAdam(network, 1e-5)
    adam.gradients.fill_(1.0)
    adam.step(0.1)
    before = [values.clone() for values in (adam.weights, adam.mean, adam.square)]
    adam.gradients.fill_(torch.nan)
    adam.step(0.1, torch.tensor(False))
    for kept, values in zip(before, (adam.weights, adam.mean, adam.square), strict=True):
        assert torch.equal(kept, values)
