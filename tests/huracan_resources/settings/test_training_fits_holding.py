"""A holding longer than the training is made for is refused when settings are read, not at night."""

from pathlib import Path

import pytest

from huracan.errors import InvalidInput
from tests.huracan_resources.settings.written_profiles import load

HOLDING = "market.rules.maximum_holding"
FITTING = {
    HOLDING: "2d",
    "training.ppo.half_life": "2d",
    "training.episode": "4d",
    "training.embargo_days": 2,
}


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("training.ppo.half_life", "47h", "half_life is 47h, shorter than .*, 2d.*to 2d or more"),
        ("training.episode", "95h", "episode is 95h, less than twice .*, 2d.*to 4d or more"),
        ("training.embargo_days", 1, "embargo_days is 1, shorter than .*, 2d.*to 2 or more"),
    ],
)
def test_what_is_too_short_for_the_longest_holding_is_one_sentence_with_who_said_it(
    folder: Path, key: str, value: object, words: str
) -> None:
    assert load(folder, FITTING).training.embargo_days == 2
    with pytest.raises(InvalidInput, match=words) as caught:
        load(folder, FITTING | {key: value})
    assert caught.value.what.startswith("command line: "), caught.value.what
