"""Which engine does a network's arithmetic. torch and the compiled loops are imported when asked for."""

import os

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


def make_engine(
    width: int,
    actions: int,
    config: PPOConfig,
    weights: NDArray[np.float32],
    *,
    device: str = "auto",
    threads: int = 1,
    mixed_precision: bool = True,
) -> Engine:
    """The engine of `device`: compiled on the processor, torch on cuda, there in mixed precision or not.

    `threads` are the processor's.
    """
    if pick_device(device) == "cpu":
        from huracan.agent.engines.compiled_engine import CompiledEngine

        return CompiledEngine(width, actions, config, weights, threads)
    from huracan.agent.engines.torch_engine import TorchEngine

    return TorchEngine(width, actions, config, weights, "cuda", mixed_precision)
