"""How many float32 numbers the compiled arithmetic takes at once on this processor. No arithmetic here."""

from functools import cache

from llvmlite import binding
from numba import config

NARROW, WIDE = 8, 16
"""Numbers in a register of 256 and of 512 bits."""


@cache
def lanes_of_processor() -> int:
    """WIDE where numba compiles for AVX-512 with its 32 registers, else NARROW.

    numba keeps its machine code by the same features: code of one width is never run for the other.
    """
    told: str | None = config.CPU_FEATURES  # type: ignore[attr-defined]
    if told is not None:
        features = {name.removeprefix("+") for name in told.split(",") if name.startswith("+")}
    elif config.CPU_NAME is None:  # type: ignore[attr-defined]
        features = {name for name, is_there in binding.get_host_cpu_features().items() if is_there}
    else:
        # Another processor was named and nothing said of it: every one has the narrow registers.
        features = set()
    return WIDE if {"avx512f", "avx512vl"} <= features else NARROW


LANES = lanes_of_processor()
