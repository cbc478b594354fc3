"""How far a walk through planned runs is, and how long the rest of it takes."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from huracan_assets.registry import stages
from huracan_console.plan import PlannedRun

_LEAST_FRACTION = 0.05
"""Of a run before which its own pace says little."""


class Course:
    """Share and time left of the runs that are `expected`, in their order; the plan may leave some out and
    add others. What a job takes: the mean of its runs so far, else what it took `usually`, else what its
    assets declare. `clock` gives seconds."""

    def __init__(
        self, expected: Iterable[PlannedRun], usually: Mapping[str, float], clock: Callable[[], float]
    ) -> None:
        self._ahead = list(expected)
        self._clock, self._began = clock, clock()
        self._usually = {job: seconds or _declared(job) for job, seconds in usually.items()}
        self._took: dict[str, float] = defaultdict(float)
        self._ended = Counter[str]()
        self._run: PlannedRun | None = None
        self._run_began, self._fraction, self._share = 0.0, 0.0, 0.0

    def begin(self, run: PlannedRun) -> None:
        """The run starts; those before it that were expected turned out to be done."""
        if run in self._ahead:
            del self._ahead[: self._ahead.index(run) + 1]
        self._run, self._run_began, self._fraction = run, self._clock(), 0.0

    def reach(self, asset: str, fraction: float) -> None:
        """`fraction` (0 to 1) of `asset`, one of those that the run makes, is done."""
        if self._run is None:
            return
        weights = {each.name: each.expected_minutes for each in stages() if each.job == self._run.job}
        if asset in weights:
            names = list(weights)
            before = sum(weights[name] for name in names[: names.index(asset)])
            done = (before + fraction * weights[asset]) / sum(weights.values())
            self._fraction = max(self._fraction, done)

    def end(self) -> None:
        """The run that began has ended."""
        if self._run is not None:
            self._took[self._run.job] += self._clock() - self._run_began
            self._ended[self._run.job] += 1
        self._run = None

    @property
    def ahead(self) -> Sequence[PlannedRun]:
        """What is expected after the run under way."""
        return self._ahead

    @property
    def seconds(self) -> float:
        """Since the walk began."""
        return self._clock() - self._began

    @property
    def seconds_left(self) -> float:
        """Of all runs that are still expected, the one under way included."""
        # By job: asked at every progress of a walk that may be of thousands of runs.
        jobs = Counter(run.job for run in self._ahead)
        left = sum(count * self._seconds_of(job) for job, count in jobs.items())
        if self._run is None:
            return left
        spent = self._clock() - self._run_began
        if self._fraction >= _LEAST_FRACTION:
            return left + spent / self._fraction * (1.0 - self._fraction)
        return left + max(0.0, self._seconds_of(self._run.job) - spent)

    @property
    def share(self) -> float:
        """Of the time that the whole takes, 0 to 1; it never falls."""
        whole = self.seconds + self.seconds_left
        self._share = max(self._share, self.seconds / whole if whole > 0 else 0.0)
        return self._share

    def _seconds_of(self, job: str) -> float:
        if self._ended[job]:
            return self._took[job] / self._ended[job]
        return self._usually.get(job) or _declared(job)


def _declared(job: str) -> float:
    return 60.0 * sum(each.expected_minutes for each in stages() if each.job == job)
