"""Values of a stored row go under the names they were stored with, or under none."""

import numpy as np
import pytest

from huracan.errors import InvalidInput
from huracan.features.naming import named_values, reordered


def test_values_have_the_names_of_their_order() -> None:
    assert named_values(["a", "b"], [1.0, 2.0], "Trade 7") == {"a": 1.0, "b": 2.0}


@pytest.mark.parametrize("values", [[1.0], [1.0, 2.0, 3.0], []])
def test_more_or_fewer_values_than_names_are_refused(values: list[float]) -> None:
    with pytest.raises(InvalidInput, match=f"Trade 7 has {len(values)} values, and its partition names 2"):
        named_values(["a", "b"], values, "Trade 7")


def test_rows_are_put_under_other_names_by_name_and_what_is_new_is_not_known() -> None:
    rows = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, np.nan]])
    found = reordered(rows, ("a", "b", "c"), ("c", "new", "a"))
    assert np.array_equal(found, [[3.0, np.nan, 1.0], [np.nan, np.nan, 4.0]], equal_nan=True)
    assert np.isnan(reordered(np.zeros((2, 0)), (), ("a",))).tolist() == [[True], [True]]
