"""What a contestant of the speed contest is, and how its learning is timed. No library is named here."""

import time
from dataclasses import asdict, dataclass
from typing import Any, Protocol


class Contestant(Protocol):
    """A learner with its environment, ready to learn."""

    width: int
    actions: int
    parameters: int
    """Trained numbers of its network."""

    def learn(self) -> int:
        """One rollout and all its passes; the environment steps taken."""
        ...


@dataclass(frozen=True)
class Measured:
    """Learning of one contestant in one process, after one rollout to warm up."""

    name: str
    steps: int
    cpu_seconds: float
    """User and system time of all threads of the process."""
    wall_seconds: float
    width: int
    actions: int
    parameters: int

    @property
    def steps_per_cpu_second(self) -> float:
        return self.steps / self.cpu_seconds

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def time_learning(name: str, contestant: Contestant, cpu_seconds: float) -> Measured:
    """Whole rollouts until `cpu_seconds` are used; compiling and first allocations are before the clock."""
    contestant.learn()
    steps, cpu, wall = 0, time.process_time(), time.perf_counter()
    while True:
        steps += contestant.learn()
        used = time.process_time() - cpu
        if used >= cpu_seconds:
            sizes = (contestant.width, contestant.actions, contestant.parameters)
            return Measured(name, steps, used, time.perf_counter() - wall, *sizes)
