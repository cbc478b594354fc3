"""What the learner asks of a network's arithmetic: to act, and to pass over a rollout. No arithmetic here.

`engines.compiled_engine` does it on the processor, `engines.torch_engine` wherever torch can. What they
minimise is stated in `huracan.agent.ppo`; tests hold both to it, and together.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from huracan.agent.rollout import Rollout

Floats32 = NDArray[np.float32]
State = dict[str, NDArray[Any]]

ILLEGAL = np.float32(-1e9)
"""The offset of an illegal action: beside any legal one its probability is exactly 0."""

UPDATE_COLUMNS = (
    "policy_loss", "value_loss", "entropy", "approx_kl", "clip_fraction", "gradient_norm", "loss",
)  # fmt: skip
"""What `pass_over` tells of every minibatch: `loss` and its terms are those of the objective in
`huracan.agent.ppo`, before their coefficients; `approx_kl` is Schulman's k3, mean(ratio - 1 - log ratio);
`gradient_norm` the global norm before clipping."""

ADAM_DECAYS = (0.9, 0.999)
"""Of Adam's first and second moment per step: the usual ones, in both engines."""

STATE_NAMES = ("weights", "mean", "square", "steps")
"""Flat weights, Adam's two moments (float32 [parameters] each) and its count of steps (int64 [1])."""


class Engine(Protocol):
    """Two tanh towers (policy, value), their gradients and Adam, for the numbers of one PPOConfig.

    Flat weights are in the order of `network.PolicyValueNetwork.parameters()`: the policy tower layer by
    layer (weight [out, in] row by row, then bias), then the value tower. `offsets` float32 [n, actions] are
    added to the policy's logits: the contextual bias where an action is legal, ILLEGAL where it is not.

    A row's numbers do not depend, to the bit, on the other rows of the call, nor on how many there are.
    """

    def act(
        self, observations: Floats32, offsets: Floats32, uniform: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], Floats32, Floats32]:
        """Actions [n], their log probabilities [n], values [n].

        The action drawn is the number of partial sums of the probabilities (float64, in order) that are at
        most uniform x the last of them: never an action of probability 0.
        """
        ...

    def logits(self, observations: Floats32) -> tuple[Floats32, Floats32]:
        """Logits of the network alone [n, actions] and values [n]: what a frozen policy decides from."""
        ...

    def values(self, observations: Floats32) -> Floats32:
        """Values [n]."""
        ...

    def begin_update(self, rollout: Rollout) -> None:
        """Takes the rollout that the next passes learn from: flat, [steps x lanes, ...], C-contiguous."""
        ...

    def pass_over(
        self, order: NDArray[np.int64], minibatches: int, learning_rate: float, entropy_coefficient: float
    ) -> NDArray[np.float64]:
        """One pass; float64 [minibatches, UPDATE_COLUMNS].

        Minibatch m has the rows np.array_split(order, minibatches)[m]. The gradient of the objective in
        `huracan.agent.ppo` is clipped by its global norm; Adam steps once. Where a loss or norm is not finite
        its step is not made, and the rows after it stay NaN.
        """
        ...

    def state(self) -> State:
        """Copies of STATE_NAMES."""
        ...

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Takes over what `state` gave."""
        ...
