"""Several probabilities of one event, weighed by how each did before: the exponentially weighted average
forecaster, and how far behind the best of those asked it can fall.

A signal's loss is its weight, 0 to 1, times (probability - outcome)^2. It is exp-concave for a rate up to
1/2, a weight included, so that the weighted mean of the members loses no more than

    mix = -ln(sum_i share_i exp(-loss_i / 2)) * 2

and after a signal ln v_i grows by (mix - loss_i) / 2 (Cesa-Bianchi & Lugosi 2006, 3.3). A member that says
nothing sleeps: shares are those among the awake, and only theirs change, by which their sum stays what it was
(specialists: Freund, Schapire, Singer & Warmuth 1997). Every v begins with 1 and none can exceed their sum,
so on the signals of any member the loss is above its own by at most 2 ln(members).

Outcomes come late. Each signal is put to the first of several forecasters that waits for no outcome, so that
each of them knows what became of all that it was asked before, and their bounds add up (Weinberger &
Ordentlich 2002; Joulani, Gyorgy & Szepesvari 2013, algorithm BOLD). There are as many as signals were open at
once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp, log, sqrt

RATE = 0.5
"""The greatest for which the square loss is exp-concave."""


@dataclass(frozen=True)
class Forecaster:
    """One of those among whom the signals are shared out."""

    log_weight: Mapping[str, float] = field(default_factory=dict)
    """ln v by member; of one that it has learnt nothing of, 0."""
    learnt: Mapping[str, float] = field(default_factory=dict)
    """By member the summed weight of the signals that it was awake at and that have ended."""

    def shares(self, awake: Mapping[str, float]) -> dict[str, float]:
        """How much each of those awake counts for; they sum to 1."""
        most = max(self.log_weight.get(name, 0.0) for name in awake)
        powers = {name: exp(self.log_weight.get(name, 0.0) - most) for name in awake}
        total = sum(powers.values())
        return {name: power / total for name, power in powers.items()}

    def after(self, said: Mapping[str, float], won: bool, weight: float) -> "Forecaster":
        """The same once it is known how a signal ended of which members `said` their probabilities."""
        losses = {name: weight * (chance - won) ** 2 for name, chance in said.items()}
        mixed = sum(share * exp(-RATE * losses[name]) for name, share in self.shares(said).items())
        mix = -log(mixed) / RATE
        moved = {name: self.log_weight.get(name, 0.0) + RATE * (mix - losses[name]) for name in said}
        counted = {name: self.learnt.get(name, 0.0) + weight for name in said}
        return Forecaster(dict(self.log_weight) | moved, dict(self.learnt) | counted)

    def bound(self, name: str) -> float:
        """By how much its loss can exceed that of a member, on the signals at which that was awake."""
        return min(log(max(len(self.log_weight), 1)) / RATE, self.learnt.get(name, 0.0))


@dataclass(frozen=True)
class Forecast:
    """What was said of a signal whose end is not known yet."""

    forecaster: int
    weight: float
    said: Mapping[str, float]
    """The probabilities of those awake."""
    shares: Mapping[str, float]
    """What each counted for."""

    @property
    def probability(self) -> float:
        """Of all together."""
        return min(1.0, sum(self.shares[name] * chance for name, chance in self.said.items()))

    @property
    def disagreement(self) -> float:
        """How unsure that is: the standard deviation of the probabilities, by what each counted for."""
        mean = self.probability
        return sqrt(sum(self.shares[name] * (chance - mean) ** 2 for name, chance in self.said.items()))


@dataclass(frozen=True)
class Tally:
    """What a member has come to on the signals at which it was awake and that have ended."""

    signals: int = 0
    weight: float = 0.0
    loss: float = 0.0
    ensemble_loss: float = 0.0
    """Of all together on the same signals."""

    @property
    def regret(self) -> float:
        """By how much the ensemble's loss exceeds its own."""
        return self.ensemble_loss - self.loss

    def with_signal(self, weight: float, loss: float, ensemble_loss: float) -> "Tally":
        """The same with one more."""
        return Tally(
            self.signals + 1, self.weight + weight, self.loss + loss, self.ensemble_loss + ensemble_loss
        )


@dataclass
class Hedge:
    """The forecasters, what they wait for, and what members have come to. It changes as signals come."""

    forecasters: list[Forecaster] = field(default_factory=list)
    waiting: dict[str, Forecast] = field(default_factory=dict)
    """By trade."""
    tallies: dict[str, Tally] = field(default_factory=dict)
    """By member."""

    def forecast(self, trade_id: str, said: Mapping[str, float], weight: float) -> Forecast | None:
        """What all together say of a signal, and that its end is waited for; None where nobody is awake or
        its weight is 0. `said` holds the probabilities of those awake, `weight` is 0 to 1."""
        if not said or not weight > 0.0:
            return None
        busy = {each.forecaster for each in self.waiting.values()}
        place = next(place for place in range(len(busy) + 1) if place not in busy)
        if place == len(self.forecasters):
            self.forecasters.append(Forecaster())
        told = Forecast(place, weight, dict(said), self.forecasters[place].shares(said))
        self.waiting[trade_id] = told
        return told

    def learn(self, trade_id: str, won: bool) -> bool:
        """How a signal ended; whether anything was said of it."""
        told = self.waiting.pop(trade_id, None)
        if told is None:
            return False
        own = self.forecasters[told.forecaster]
        self.forecasters[told.forecaster] = own.after(told.said, won, told.weight)
        together = told.weight * (told.probability - won) ** 2
        for name, chance in told.said.items():
            loss = told.weight * (chance - won) ** 2
            self.tallies[name] = self.tallies.get(name, Tally()).with_signal(told.weight, loss, together)
        return True

    def forget(self, trade_id: str) -> None:
        """A signal that will not end: nothing is learnt from it."""
        self.waiting.pop(trade_id, None)

    def weights(self) -> dict[str, float]:
        """What each member that was ever awake counts for among all of them: the mean of the forecasters,
        each as often as it has learnt. They sum to 1."""
        found = dict.fromkeys(sorted(self.tallies), 0.0)
        learnt = [max(own.learnt.values(), default=0.0) for own in self.forecasters]
        for own, often in zip(self.forecasters, learnt, strict=True):
            for name, share in own.shares(found).items() if found else ():
                found[name] += share * often / sum(learnt)
        return found

    def bound(self, name: str) -> float:
        """By how much the loss of all together can exceed a member's, whatever the outcomes are."""
        return sum(own.bound(name) for own in self.forecasters)

    def best(self) -> str | None:
        """The member that is ahead of the ensemble most, on its own signals; None before any has ended."""
        return max(sorted(self.tallies), key=lambda name: self.tallies[name].regret, default=None)
