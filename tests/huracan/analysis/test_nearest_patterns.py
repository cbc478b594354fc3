"""The patterns that an entry resembles: the nearest of the library of the day before, and nothing else."""

import json

import numpy as np
import pyarrow as pa
import pytest

from huracan.analysis.patterns.nearest import NamedPatterns
from huracan.analysis.patterns.table import PATTERNS_SCHEMA

LONG = np.array(["long"], dtype=object)


def _library(statistics, directions: dict[str, tuple[int, str]], side: str | None = "long") -> pa.Table:
    """A pattern per entry, whose mean features are three deviations out along one feature."""
    rows = []
    for name, (index, state) in directions.items():
        z = np.zeros(4)
        z[abs(index) - 1] = 3.0 * np.sign(index)
        means = statistics.mean + statistics.scale * z
        rows.append(
            {
                **dict.fromkeys(PATTERNS_SCHEMA.names),
                "pattern_id": name,
                "state": state,
                "side": side,
                "embedding_version": statistics.version,
                "centroid": statistics.embed(means[None]).astype(np.float64)[0].tolist(),
                "feature_means": means.tolist(),
            }
        )
    return pa.Table.from_pylist(rows, schema=PATTERNS_SCHEMA)


def _row(statistics, index: int, size: float = 3.0) -> np.ndarray:
    z = np.zeros(4)
    z[index - 1] = size
    return (statistics.mean + statistics.scale * z)[None].astype(np.float32)


def test_the_nearest_come_first_with_their_cosines_and_the_retired_are_left_out(statistics) -> None:
    library = _library(
        statistics, {"a": (1, "reliable"), "b": (2, "candidate"), "c": (-1, "candidate"), "d": (1, "retired")}
    )
    known = NamedPatterns.of(library, statistics)
    names, cosines = known.nearest(_row(statistics, 1), LONG)
    assert names.to_pylist()[0][0] == "a" and "c" not in names.to_pylist()[0]
    assert cosines.to_pylist()[0][0] == pytest.approx(1.0, abs=1e-6)
    assert cosines.to_pylist()[0] == sorted(cosines.to_pylist()[0], reverse=True)


def test_no_pattern_and_no_trade_are_empty_lists(statistics) -> None:
    nothing = NamedPatterns.of(_library(statistics, {}), statistics)
    names, cosines = nothing.nearest(_row(statistics, 1), LONG)
    assert names.to_pylist() == cosines.to_pylist() == [[]]
    known = NamedPatterns.of(_library(statistics, {"a": (1, "reliable")}), statistics)
    names, _ = known.nearest(np.zeros((0, 4), np.float32), LONG[:0])
    assert names.to_pylist() == []


def test_a_row_is_answered_for_by_itself(statistics) -> None:
    library = _library(statistics, {"a": (1, "reliable"), "b": (2, "candidate"), "c": (3, "candidate")})
    known = NamedPatterns.of(library, statistics)
    rows = np.concatenate([_row(statistics, index, size) for index in (1, 2, 3) for size in (1.0, 4.0)])
    together = known.nearest(rows, LONG.repeat(len(rows)))
    for index in range(len(rows)):
        alone = known.nearest(rows[index : index + 1], LONG)
        assert alone[0].to_pylist()[0] == together[0].to_pylist()[index]
        assert alone[1].to_pylist()[0] == pytest.approx(together[1].to_pylist()[index], abs=1e-7)


def test_an_entry_resembles_only_patterns_of_its_side_and_old_ones_may_be_of_either(statistics) -> None:
    sided = NamedPatterns.of(_library(statistics, {"a": (1, "reliable")}), statistics)
    both = NamedPatterns.of(_library(statistics, {"a": (1, "reliable")}, side=None), statistics)
    sides, rows = np.array(["short", "long"], dtype=object), np.repeat(_row(statistics, 1), 2, axis=0)
    assert sided.nearest(rows, sides)[0].to_pylist() == [[], ["a"]]
    assert both.nearest(rows, sides)[0].to_pylist() == [["a"], ["a"]]


def test_patterns_that_are_written_down_and_read_back_name_the_same_to_the_bit(statistics) -> None:
    library = _library(statistics, {"a": (1, "reliable"), "b": (2, "reliable")})
    known = NamedPatterns.of(library, statistics)
    again = NamedPatterns.from_plain(json.loads(json.dumps(known.as_plain())))
    rows = np.random.default_rng(3).standard_normal((40, len(statistics.feature_names))).astype(np.float32)
    sides = np.array(["long", "short"] * 20, dtype=object)
    for one, other in zip(known.nearest(rows, sides), again.nearest(rows, sides), strict=True):
        assert one.equals(other)
    none = NamedPatterns.of(_library(statistics, {}), statistics)
    assert NamedPatterns.from_plain(none.as_plain()).nearest(rows, sides)[0].to_pylist() == [[]] * 40
