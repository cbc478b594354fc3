"""Registers of 8 and of 16 numbers: which is chosen, and that no bit depends on it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from numba import config

from huracan.agent.engines.matrix_kernel import COLUMNS, TALL, Product, Shape, compiled_product
from huracan.agent.engines.vector_width import LANES, NARROW, WIDE, lanes_of_processor
from huracan.agent.engines.vectors import Matrix

KINDS = {
    "affine": Product("side", "nothing", row_by_row=True),
    "affine_tanh": Product("side", "tanh", row_by_row=True),
    "product_slope": Product("nothing", "slope", row_by_row=True),
    "product_added": Product("result", "nothing", row_by_row=False),
}

SHAPES = ((8, 8, 1), (5, 24, 7), (36, 64, 130), (16, 72, 3), (64, 120, 9), (12, 184, 2))


def padded(count: int, multiple: int) -> int:
    return -(-count // multiple) * multiple


def runner(kind: Product, lanes: int) -> Callable[..., None]:
    product = compiled_product(kind, lanes)

    @numba.njit
    def run(a: Any, b: Any, c: Any, side: Any, shape: Shape) -> None:
        product(a, b, c, side, shape)

    return run  # type: ignore[no-any-return]


@pytest.mark.parametrize("kind", KINDS)
def test_a_product_has_the_same_bits_in_either_width_and_those_of_its_definition(kind: str) -> None:
    narrow, wide = (runner(KINDS[kind], lanes) for lanes in (NARROW, WIDE))
    generator = np.random.default_rng(1)
    for rows, columns, depth in SHAPES:
        room = (padded(rows, TALL), padded(columns, COLUMNS))
        a, b, side = (
            generator.normal(size=size).astype(np.float32)
            for size in ((room[0], depth), (depth, room[1]), room)
        )
        side = np.tanh(side)
        start = generator.normal(size=room).astype(np.float32)
        results = []
        for run in (narrow, wide):
            c = start.copy()
            given = (Matrix(array.reshape(-1), 0, array.shape[1], 1) for array in (a, b, c, side))
            run(*given, Shape(rows, room[1], depth))
            results.append(c[:rows])  # what lies after them is padding
        assert results[0].tobytes() == results[1].tobytes()
        exact = a.astype(float) @ b.astype(float)
        expected = {
            "affine": side + exact,
            "affine_tanh": np.tanh(side + exact),
            "product_slope": exact * (1.0 - side.astype(float) ** 2),
            "product_added": start + exact,
        }[kind]
        np.testing.assert_allclose(results[0], expected[:rows], atol=2e-5)


@pytest.mark.slow
def test_an_update_has_the_same_bits_in_either_width(tmp_path: Path) -> None:
    told = {}
    for lanes in (NARROW, WIDE):
        # Machine code is kept by the processor's features and not by a width that was forced on it.
        own = Path(os.environ.get("NUMBA_CACHE_DIR") or tmp_path) / f"lanes-{lanes}"
        kept = {} if lanes == LANES else {"NUMBA_CACHE_DIR": str(own)}
        told[lanes] = subprocess.run(
            [sys.executable, "-m", "tests.huracan.agent.engines.update_of_width", str(lanes)],
            env=os.environ | kept,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    assert len(told[NARROW].splitlines()) == 2
    assert told[NARROW] == told[WIDE]


@pytest.mark.parametrize(
    ("name", "features", "lanes"),
    [
        (None, "+avx2,+fma,+avx512f,+avx512vl", WIDE),
        (None, "+avx2,+fma,+avx512f", NARROW),
        (None, "+avx2,+fma,-avx512f,-avx512vl", NARROW),
        ("haswell", None, NARROW),
        ("haswell", "", NARROW),
    ],
)
def test_the_width_is_that_of_the_features_that_are_compiled_for(
    monkeypatch: pytest.MonkeyPatch, name: str | None, features: str | None, lanes: int
) -> None:
    monkeypatch.setattr(config, "CPU_NAME", name)
    monkeypatch.setattr(config, "CPU_FEATURES", features)
    assert lanes_of_processor.__wrapped__() == lanes
