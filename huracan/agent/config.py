"""The choices behind a training. No torch here: settings are read by processes that never train."""

from dataclasses import dataclass, field

from huracan.errors import InvalidInput


@dataclass(frozen=True)
class PPOConfig:
    """Hyper-parameters of the algorithm."""

    rollout_steps: int = 32
    """Steps of every lane between two updates."""
    epochs: int = 3
    """Passes over a rollout."""
    minibatches: int = 8
    """Parts into which a rollout is shuffled in every pass."""
    learning_rate: float = 2e-3
    anneals_learning_rate: bool = True
    """Linearly to 0 at the end of the training."""
    gamma: float = 0.99
    """Discount per step."""
    gae_lambda: float = 0.95
    """Decay of generalised advantage estimation."""
    clip: float = 0.2
    """Clipping of the probability ratio."""
    value_clip: float | None = None
    """Clipping of the value's change per update; None leaves it off (it mostly hurts)."""
    entropy_coefficient: float = 0.01
    final_entropy_coefficient: float = 0.0
    """The entropy bonus falls linearly to this; 0 lets the greedy policy be the policy that was trained."""
    value_coefficient: float = 0.5
    maximum_gradient_norm: float = 0.5
    target_kl: float | None = 0.03
    """A pass that moves the policy further ends the update early; None never does."""
    adam_epsilon: float = 1e-5
    hidden: tuple[int, ...] = (64, 64)
    """Widths of each tower's hidden layers."""


@dataclass(frozen=True)
class TrainingConfig:
    """How a night trains. Steps are the budget; no clock is read."""

    window_days: int = 120
    """Days of history, the held-out tail and the embargo included, ending with the partition's own."""
    seed: int = 1
    total_steps: int = 1_000_000
    lanes: int = 512
    held_out_days: int = 7
    """The window's last days: never trained on, judged at the end."""
    embargo_days: int = 1
    """Days between the two that neither sees. Sessions end with their day, so no trade reaches over one."""
    minimum_training_days: int = 3
    cost_ramp_share: float = 0.25
    """Share of the training over which costs grow from nothing to full; judged is always at full costs."""
    initial_bias: float = -3.0
    """First logit of everything but waiting: trades are tried seldom and are held for a while, so that an
    edge that takes many bars to pay is met before trading is given up."""
    threads: int = 1
    """torch's threads. The networks are small: a second thread costs more in waiting than it does in work."""
    device: str = "auto"
    """`cpu`, `cuda`, or `auto`: cuda where there is one."""
    ppo: PPOConfig = field(default_factory=PPOConfig)

    def __post_init__(self) -> None:
        needed = self.minimum_training_days + self.embargo_days + self.held_out_days
        if self.window_days < needed:
            raise InvalidInput(
                f"training.window_days is {self.window_days}, but {needed} days are needed: at least"
                f" {self.minimum_training_days} to train on, {self.embargo_days} of embargo and"
                f" {self.held_out_days} held out.",
                f"Set training.window_days to {needed} or more, or training.held_out_days to less.",
            )
