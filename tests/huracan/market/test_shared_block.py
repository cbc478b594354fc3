"""A block in a nameless file: what is mapped is what was written, and nobody sees what another writes."""

from dataclasses import fields

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.market.block import MarketBlock
from huracan.market.shared_block import map_block, nameless_file, write_block
from tests.huracan.agent.planted_market import planted_market

BLOCK = planted_market(3, days=2, day_bars=60)


def assert_same(found: MarketBlock, given: MarketBlock) -> None:
    for field in fields(MarketBlock):
        value, expected = getattr(found, field.name), getattr(given, field.name)
        if isinstance(expected, np.ndarray):
            assert type(value) is np.ndarray and value.dtype == expected.dtype and value.flags.c_contiguous
            assert value.tobytes() == np.ascontiguousarray(expected).tobytes(), field.name
        else:
            assert value == expected


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 119), st.integers(1, 60))
def test_any_slice_of_a_block_comes_back_to_the_bit(first: int, bars: int) -> None:
    part = BLOCK.slice(first, min(first + bars, 120) - 1)
    with nameless_file() as file:
        layout = write_block(part, file)
        assert_same(map_block(file.fileno(), layout), part)


def test_what_one_writes_into_its_block_stays_its_own_and_outlives_the_file() -> None:
    with nameless_file() as file:
        layout = write_block(BLOCK, file)
        mine, other = (map_block(file.fileno(), layout) for _ in range(2))
    mine.close[:] = -1.0
    assert_same(other, BLOCK)


def test_a_block_without_features_comes_back() -> None:
    bare = MarketBlock(**{f.name: getattr(BLOCK, f.name) for f in fields(MarketBlock)} | {
        "feature_names": (), "features": np.zeros((*BLOCK.close.shape, 0), np.float32)})  # fmt: skip
    with nameless_file() as file:
        assert_same(map_block(file.fileno(), write_block(bare, file)), bare)
