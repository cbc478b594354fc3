"""How fast the engines learn: the compiled one on the processor, torch on CUDA with and without bfloat16.

    PYTHONPATH=. python benchmarks/device.py [--rows 16384 65536 262144] [--seconds 2] [--json]

A synthetic rollout of every size, two towers of 64 x 64, width 36, ten actions, four passes of eight
minibatches. `learn` is rows/s of a whole update (the rollout's way to the device included), `act` is rows/s
of one call on rows/32 lanes, `both` what a training would reach with an environment that costs nothing. Then
the gradients of the engines on one rollout are compared, and every engine learns and acts twice from the same
start: whether the bits are equal. Without CUDA only the processor is measured.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

from huracan.agent.config import PPOConfig
from huracan.agent.engine import ILLEGAL, Engine
from huracan.agent.engines.compiled_engine import CompiledEngine
from huracan.agent.engines.torch_engine import TorchEngine
from huracan.agent.layout import initial_weights
from huracan.agent.rollout import Rollout

WIDTH, ACTIONS, STEPS = 36, 10, 32
CONFIG = PPOConfig(hidden=(64, 64), minibatches=8, epochs=4)


def synthetic_rollout(rows: int, engine: Engine) -> Rollout:
    """Random rows with masks, the actions drawn and valued by `engine`."""
    generator = np.random.default_rng(rows)
    observations = generator.standard_normal((rows, WIDTH)).astype(np.float32)
    legal = generator.random((rows, ACTIONS)) < 0.6
    legal[:, 0] = True
    offsets = np.where(legal, generator.standard_normal((rows, ACTIONS)) * 0.3, ILLEGAL).astype(np.float32)
    actions, taken, values = engine.act(observations, offsets, generator.random(rows))
    advantages = generator.standard_normal(rows).astype(np.float32)
    # As after some passes: the ratio is off 1, and now and then clipped.
    taken += (generator.standard_normal(rows) * 0.1).astype(np.float32)
    zeros = np.zeros(rows, np.float32)
    return Rollout(
        observations, offsets, actions, taken, values, zeros, zeros > 0, advantages, advantages + values
    )


def engines(weights: np.ndarray, threads: int) -> dict[str, Callable[[], Engine]]:
    """By name, those that this machine can run."""
    found: dict[str, Callable[[], Engine]] = {
        f"compiled, cpu, {threads} thread(s)": lambda: CompiledEngine(
            WIDTH, ACTIONS, CONFIG, weights, threads
        ),
    }
    if torch.cuda.is_available():
        for name, mixed in (("torch, cuda, float32", False), ("torch, cuda, bfloat16", True)):
            found[name] = partial(TorchEngine, WIDTH, ACTIONS, CONFIG, weights, "cuda", mixed)
    return found


def seconds_of(work: Callable[[], object], budget: float) -> float:
    """The fastest of several runs, after one that compiles and warms up."""
    work()
    best, until = np.inf, time.perf_counter() + budget
    while time.perf_counter() < until:
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return float(best)


def measure(engine: Engine, rows: int, budget: float) -> dict[str, float]:
    """Rows per second of acting, of learning, and of both in turn."""
    rollout = synthetic_rollout(rows, engine)
    lanes = max(1, rows // STEPS)
    seen, offsets = rollout.observations[:lanes], rollout.offsets[:lanes]
    uniform = np.random.default_rng(0).random(lanes)
    generator = np.random.default_rng(1)

    def learn() -> None:
        engine.begin_update(rollout)
        for _ in range(CONFIG.epochs):
            # A learning rate of nearly nothing: the rollout must stay one of this policy.
            engine.pass_over(generator.permutation(rows), CONFIG.minibatches, 1e-9, 0.01)

    acting = seconds_of(lambda: engine.act(seen, offsets, uniform), budget) / lanes
    learning = seconds_of(learn, budget) / rows
    return {"act": 1.0 / acting, "learn": 1.0 / learning, "both": 1.0 / (acting + learning)}


def gradient_distances(weights: np.ndarray, rows: int = 16_384) -> dict[str, float]:
    """Length of the difference from the processor's gradient in float32, over the gradient's length."""
    cpu = TorchEngine(WIDTH, ACTIONS, CONFIG, weights)
    rollout = synthetic_rollout(rows, cpu)
    truth = cpu.gradient(rollout, 0.01)
    found = {}
    if torch.cuda.is_available():
        for name, mixed in (("cuda, float32", False), ("cuda, bfloat16", True)):
            engine = TorchEngine(WIDTH, ACTIONS, CONFIG, weights, "cuda", mixed)
            found[name] = engine.gradient(rollout, 0.01)
    else:
        found["cpu, bfloat16"] = TorchEngine(WIDTH, ACTIONS, CONFIG, weights, "cpu", True).gradient(
            rollout, 0.01
        )
    length = np.linalg.norm(truth)
    return {name: float(np.linalg.norm(values - truth) / length) for name, values in found.items()}


def update_distances(weights: np.ndarray, rows: int = 16_384) -> dict[str, float]:
    """The same for the weights' way in one update of every engine, against torch on the processor."""
    rate = 1e-3
    reference = TorchEngine(WIDTH, ACTIONS, CONFIG, weights)
    rollout = synthetic_rollout(rows, reference)
    order = np.random.default_rng(2).permutation(rows)

    def way(engine: Engine) -> np.ndarray:
        engine.begin_update(rollout)
        engine.pass_over(order, CONFIG.minibatches, rate, 0.01)
        moved: np.ndarray = engine.state()["weights"] - weights
        return moved

    truth = way(reference)
    length = np.linalg.norm(truth)
    return {
        name: float(np.linalg.norm(way(make()) - truth) / length)
        for name, make in engines(weights, 1).items()
    }


def repeats(weights: np.ndarray, rows: int = 16_384, updates: int = 5) -> dict[str, bool]:
    """Whether an engine that takes the same updates twice ends with the same bits and acts with the same."""
    rollout = synthetic_rollout(rows, TorchEngine(WIDTH, ACTIONS, CONFIG, weights))
    uniform = np.random.default_rng(4).random(rows)

    def learned(engine: Engine) -> bytes:
        generator = np.random.default_rng(3)
        for _ in range(updates):
            engine.begin_update(rollout)
            for _ in range(CONFIG.epochs):
                engine.pass_over(generator.permutation(rows), CONFIG.minibatches, 1e-3, 0.01)
        acted = engine.act(rollout.observations, rollout.offsets, uniform)
        return b"".join(values.tobytes() for values in (*engine.state().values(), *acted))

    return {name: learned(make()) == learned(make()) for name, make in engines(weights, 1).items()}


def main() -> None:
    reader = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    reader.add_argument("--rows", type=int, nargs="+", default=[16_384, 65_536, 262_144])
    reader.add_argument("--threads", type=int, default=1, help="of the compiled engine")
    reader.add_argument("--seconds", type=float, default=2.0, help="per figure")
    reader.add_argument("--json", action="store_true")
    asked = reader.parse_args()
    torch.set_num_threads(asked.threads)
    weights = initial_weights(WIDTH, ACTIONS, CONFIG.hidden, np.random.default_rng(7))
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    told: dict[str, Any] = {
        "machine": platform.processor() or platform.machine(),
        "cuda": device,
        "speed": [],
    }
    for rows in asked.rows:
        for name, make in engines(weights, asked.threads).items():
            found = measure(make(), rows, asked.seconds)
            told["speed"].append({"engine": name, "rows": rows, **{k: round(v) for k, v in found.items()}})
    told["gradient_distance"], told["update_distance"] = (
        gradient_distances(weights),
        update_distances(weights),
    )
    told["repeats_to_the_bit"] = repeats(weights)
    if asked.json:
        print(json.dumps(told))
        return
    print(f"processor {told['machine']}, CUDA device {device}")
    print(f"{'engine':28} {'rows':>8} {'act/s':>12} {'learn/s':>12} {'both/s':>12}")
    for row in told["speed"]:
        print(f"{row['engine']:28} {row['rows']:8} {row['act']:12,} {row['learn']:12,} {row['both']:12,}")
    for title in ("gradient_distance", "update_distance"):
        print(title.replace("_", " ") + " (relative): " + json.dumps(told[title]))
    print("repeats to the bit: " + json.dumps(told["repeats_to_the_bit"]))


if __name__ == "__main__":
    main()
