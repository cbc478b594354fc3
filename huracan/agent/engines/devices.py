"""Which engine does a network's arithmetic. torch and the compiled loops are imported when asked for."""

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from huracan.agent.config import PPOConfig
from huracan.agent.engine import Engine
from huracan.errors import InvalidInput


def pick_device(device: str) -> str:
    """`cpu` or `cuda`; `auto` is cuda where there is one. InvalidInput where cuda is asked for and lacks."""
    if device == "cpu":
        return device
    import torch

    has_cuda = torch.cuda.is_available()
    if device == "cuda" and not has_cuda:
        raise InvalidInput("The device is cuda, but there is none.", "Set training.device to auto or cpu.")
    return "cuda" if has_cuda else "cpu"


def pick_threads(threads: int) -> int:
    """As many as asked for; for 0, as many as this process may use cores."""
    return threads or len(
        os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    )


@dataclass(frozen=True)
class EngineChoice:
    """Where a network is computed. What is learned differs by rounding between devices, not by threads."""

    device: str = "auto"
    """`cpu`, `cuda`, or `auto`: cuda where there is one."""
    threads: int = 1
    """The processor's."""
    mixed_precision: bool = True
    """On cuda."""


def make_engine(
    width: int, actions: int, config: PPOConfig, weights: NDArray[np.float32], choice: EngineChoice
) -> Engine:
    """The engine of the choice: compiled on the processor, torch on cuda."""
    if pick_device(choice.device) == "cpu":
        from huracan.agent.engines.compiled_engine import CompiledEngine

        return CompiledEngine(width, actions, config, weights, choice.threads)
    from huracan.agent.engines.torch_engine import TorchEngine

    return TorchEngine(width, actions, config, weights, "cuda", choice.mixed_precision)
