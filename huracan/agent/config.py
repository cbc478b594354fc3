"""The choices behind a training. No torch here: settings are read by processes that never train."""

from dataclasses import dataclass, field, replace

from huracan.agent.bias_config import BiasConfig
from huracan.durations import MINUTES_PER_DAY, Duration, duration_of, minutes_of
from huracan.errors import InvalidInput
from huracan.market.reward import RewardTerms
from huracan.setting_ranges import (
    ABOVE_0,
    COUNT,
    FINITE,
    FROM_0,
    SHARE,
    check_durations,
    check_ranges,
    or_none,
)

_PPO_RANGES = {
    **dict.fromkeys(("rollout_steps", "epochs", "minibatches", "dead_updates"), COUNT),
    **dict.fromkeys(("learning_rate", "clip", "maximum_gradient_norm", "adam_epsilon"), ABOVE_0),
    **dict.fromkeys(("gae_lambda", "exploring_share"), SHARE),
    **dict.fromkeys(("value_clip", "target_kl", "maximum_kl"), or_none(ABOVE_0)),
    **dict.fromkeys(
        ("entropy_coefficient", "final_entropy_coefficient", "entropy_floor", "value_coefficient"), FROM_0
    ),
    "minimum_entropy": or_none(FROM_0),
    "gamma": or_none(SHARE),
}
_TRAINING_RANGES = {
    **dict.fromkeys(("seed_count", "total_steps", "lanes", "recovery_updates"), COUNT),
    # Fewer than no days of embargo would train on the days that judge.
    **dict.fromkeys(("seed", "embargo_days", "threads"), FROM_0),
    **dict.fromkeys(("window_days", "held_out_days", "minimum_training_days"), COUNT),
    "recency_half_life_days": or_none(ABOVE_0),
    "cost_ramp_share": SHARE,
    "cost_multiplier": ABOVE_0,
    "initial_bias": FINITE,
}
_HEALTH_RANGES = {
    "maximum_kl": ABOVE_0,
    "minimum_explained_variance": FINITE,
    **dict.fromkeys(("negligible_value_loss", "minimum_early_entropy"), FROM_0),
}


@dataclass(frozen=True)
class PPOConfig:
    """Hyper-parameters of the algorithm."""

    rollout_steps: int = 32
    """Steps of every lane between two updates."""
    epochs: int = 2
    """Passes over a rollout. Market steps are cheap and rewards noisy: new steps teach more than old ones."""
    minibatches: int = 8
    """Parts into which a rollout is shuffled in every pass."""
    learning_rate: float = 2e-3
    anneals_learning_rate: bool = True
    """Linearly to 0 at the end of the training."""
    half_life: Duration = "4h"
    """The time after which a reward counts half: the discount of a step is 0.5 ^ (decision bar / half-life).
    At least the longest holding: of what an edge pays last, less than half would count."""
    gamma: float | None = None
    """A discount per step that overrides it, for problems without a clock; null: that of the half-life."""
    gae_lambda: float = 0.95
    """Decay of generalised advantage estimation."""
    clip: float = 0.2
    """Clipping of the probability ratio."""
    value_clip: float | None = None
    """Clipping of the value's change per update; None leaves it off (it mostly hurts)."""
    entropy_coefficient: float = 0.01
    final_entropy_coefficient: float = 0.0
    """The entropy bonus falls linearly to this; 0 lets the greedy policy be the policy that was trained."""
    entropy_floor: float = 0.0
    """While the decisions of the last update had less entropy (nats) than this, the bonus stays at its first
    coefficient instead of falling; 0 never holds it."""
    value_coefficient: float = 0.5
    maximum_gradient_norm: float = 0.5
    target_kl: float | None = 0.03
    """A pass that moves the policy further ends the update early; None never does."""
    scales_rewards: bool = False
    """Divides rewards by the running standard deviation of the discounted return. The market's are in units
    of volatility already."""
    maximum_kl: float | None = 10.0
    """A pass that moves the policy further has exploded: the training stops. Far above the early stop."""
    minimum_entropy: float | None = 1e-6
    """A policy below it (nats per decision with a choice) is dead: it tries nothing any more. One that learns
    to stay out of a market without an edge keeps ten times as much for as long as it explores..."""
    dead_updates: int = 8
    """...if it stays so for this many updates, or for all those that explore in a short training..."""
    exploring_share: float = 0.2
    """...from one on within this first share of the training; later a policy may become certain."""
    adam_epsilon: float = 1e-5
    hidden: tuple[int, ...] = (64, 64)
    """Widths of each tower's hidden layers."""

    def __post_init__(self) -> None:
        check_ranges("training.ppo", self, _PPO_RANGES)
        check_durations("training.ppo", self, ("half_life",))
        if not self.hidden or min(self.hidden) < 1:
            raise InvalidInput(
                f"training.ppo.hidden was {list(self.hidden)}.", "Give a layer or more, each of at least 1."
            )

    def at(self, decision_minutes: float) -> "PPOConfig":
        """The same with the discount of a step that lasts so many minutes, where none is given."""
        if self.gamma is not None:
            return self
        return replace(self, gamma=0.5 ** (decision_minutes / minutes_of(self.half_life)))

    @property
    def discount(self) -> float:
        """Of a step. InvalidInput where it depends on how long a step lasts."""
        if self.gamma is None:
            raise InvalidInput(
                "The discount of a step is not known.", "Give gamma, or a step's minutes to `at`."
            )
        return self.gamma


@dataclass(frozen=True)
class HealthLimits:
    """Bounds of a learning curve, beyond which a night publishes nothing. They change no training."""

    maximum_kl: float = 0.2
    """Mean divergence of an update, over the last fifth. Far above the early stop's target."""
    minimum_explained_variance: float = -0.5
    """Of the value network, over the last fifth: below it, it is worse than a constant by far..."""
    negligible_value_loss: float = 0.01
    """...unless it errs by less than this: the returns of a policy that stays out are all but 0, and there
    is nothing to explain."""
    minimum_early_entropy: float = 0.01
    """Nats, over the first fifth: a policy that is certain before it has learned never explored. At the end a
    policy may be certain; the entropy bonus is taken away for that."""

    def __post_init__(self) -> None:
        check_ranges("training.health", self, _HEALTH_RANGES)


@dataclass(frozen=True)
class TrainingConfig:
    """How a night trains. Steps are the budget; no clock is read."""

    window_days: int = 120
    """Days of history, the held-out tail and the embargo included, ending with the partition's own."""
    seed: int = 1
    seed_count: int = 3
    """Trainings a night, each with draws of its own; the median one by its held-out result is published."""
    total_steps: int = 3_000_000
    """Of each seed."""
    lanes: int = 512
    episode: Duration = "1d"
    """How long a lane trades before it begins again, flat, elsewhere in the window: drawn from half of it to
    one and a half. What was still to come counts, by the value of what the lane saw last. At least twice the
    longest holding."""
    held_out_days: int = 7
    """The window's last days: never trained on, judged at the end."""
    embargo_days: int = 1
    """Days between the two that neither sees: at least the longest holding, that none spans them."""
    minimum_training_days: int = 3
    recency_half_life_days: float | None = None
    """Days of the window are trained on by their age: one that is so many days older half as often. None: all
    alike. A short one follows a market that changes, and learns from fewer days."""
    refits_whole_window: bool = False
    """What is published is trained once more on all days, the held-out ones included: the seed that was
    chosen, from scratch. It knows the newest days; the held-out result is then that of its judged twin, and
    nobody has judged the weights themselves. False: what is published is what was judged."""
    cost_ramp_share: float = 0.25
    """Share of the training over which costs grow from nothing to full; judged is always at full costs."""
    cost_multiplier: float = 1.0
    """What trades cost in training over what they cost. Of what a few thousand bars show some pays its costs
    by chance: above 1 an edge must pay more before it is traded, and fewer bars fool a policy."""
    initial_bias: float = -3.0
    """First logit of everything but waiting and holding: trades are tried seldom and are held for a while, so
    that an edge that takes many bars to pay is met before trading is given up."""
    threads: int = 0
    """Cores for the seeds, each of which has a process of its own; one left over alone has them all. 0: all
    cores of the machine, and then all seeds run at once, a quarter of a gigabyte each. No result changes."""
    device: str = "auto"
    """`cpu`, `cuda`, or `auto`: cuda where there is one."""
    mixed_precision: bool = True
    """On cuda, the hidden layers multiply in bfloat16."""
    recovery_updates: int = 20
    """Updates between two savings of the training's whole state, from which a killed one goes on."""
    ppo: PPOConfig = field(default_factory=PPOConfig)
    health: HealthLimits = field(default_factory=HealthLimits)
    """What a learning curve must keep to be published."""
    reward: RewardTerms = field(default_factory=RewardTerms)
    """What is told beside the money; its discount is always the algorithm's."""
    bias: BiasConfig = field(default_factory=BiasConfig)
    """What the context adds to the policy's logits, in training and ever after."""

    def check_holding(self, maximum_holding: Duration) -> None:
        """InvalidInput where a position that is held as long as the rules allow could not be learned from, or
        would reach from the days that are trained on into those that judge."""
        holding = minutes_of(maximum_holding)
        rule = f"market.rules.maximum_holding, {maximum_holding}"
        if self.ppo.gamma is None and minutes_of(self.ppo.half_life) < holding:
            raise InvalidInput(
                f"training.ppo.half_life is {self.ppo.half_life}, shorter than {rule}: of what an edge pays"
                " last, less than half would count.",
                f"Set training.ppo.half_life to {maximum_holding} or more, or shorten the holding.",
            )
        if minutes_of(self.episode) < 2 * holding:
            raise InvalidInput(
                f"training.episode is {self.episode}, less than twice {rule}: lanes would begin anew before"
                " a position could last that long.",
                f"Set training.episode to {duration_of(2 * holding)} or more, or shorten the holding.",
            )
        if self.embargo_days * MINUTES_PER_DAY < holding:
            raise InvalidInput(
                f"training.embargo_days is {self.embargo_days}, shorter than {rule}: what is trained on could"
                " reach into the held-out days.",
                f"Set training.embargo_days to {-(-holding // MINUTES_PER_DAY)} or more, or shorten the"
                " holding.",
            )

    def __post_init__(self) -> None:
        check_ranges("training", self, _TRAINING_RANGES)
        check_durations("training", self, ("episode",))
        if self.device not in ("auto", "cpu", "cuda"):
            raise InvalidInput(f"training.device is {self.device!r}.", "Set it to auto, cpu or cuda.")
        needed = self.minimum_training_days + self.embargo_days + self.held_out_days
        if self.window_days < needed:
            raise InvalidInput(
                f"training.window_days is {self.window_days}, but {needed} days are needed: at least"
                f" {self.minimum_training_days} to train on, {self.embargo_days} of embargo and"
                f" {self.held_out_days} held out.",
                f"Set training.window_days to {needed} or more, or training.held_out_days to less.",
            )
