"""How often is decided: as often as candles are stored, or every so many of them."""

from pathlib import Path

import pytest

from huracan.errors import InvalidInput
from tests.huracan_resources.settings.written_profiles import load, origin


def test_every_stored_bar_is_decided_on_unless_somebody_says_otherwise(folder: Path) -> None:
    assert load(folder, {"universe.timeframe": "15m"}).decision_timeframe.name == "15m"
    settings = load(folder, {"market.decision_timeframe": "1h"})
    assert (settings.decision_timeframe.minutes, settings.universe.timeframe) == (60, "1m")
    assert origin(load(folder), "market.decision_timeframe") == ("not set", "default")
    assert origin(load(folder), "market.handover") == ("04:00", "default")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"universe.timeframe": "15m", "market.decision_timeframe": "5m"}, "5m, which is no multiple of"),
        ({"universe.timeframe": "15m", "market.decision_timeframe": "1m"}, "1m, which is no multiple of"),
        ({"universe.timeframe": "3m", "market.decision_timeframe": "5m"}, r"universe\.timeframe, 3m"),
        ({"market.decision_timeframe": "8h"}, r"market\.decision_timeframe: The timeframe '8h'.*4h"),
        ({"market.decision_timeframe": "often"}, r"market\.decision_timeframe: The timeframe 'often'"),
        (
            {"market.decision_timeframe": "1h", "models.trailing_days": 3},
            r"models\.trailing_days is 3, no longer than market\.rules\.maximum_holding, 3d",
        ),
        ({"market.handover": "noon"}, r"market\.handover: 'noon' is no time of day.*HH:MM"),
        ({"market.handover": "24:00"}, r"market\.handover: '24:00' is no time of day"),
        (
            {"market.handover": "04:30", "market.decision_timeframe": "1h"},
            r"market\.handover is 04:30, at which no decision bar of 1h closes.*multiple of 1h",
        ),
        ({"market.handover": "02:00", "universe.timeframe": "4h"}, "no decision bar of 4h closes"),
    ],
)
def test_what_cannot_be_decided_on_is_one_sentence_with_who_said_it(
    folder: Path, said: dict[str, object], words: str
) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        load(folder, said)
    assert caught.value.what.startswith("command line: "), caught.value.what


def test_a_digest_may_be_of_one_setting_and_a_default_is_what_it_comes_to(folder: Path) -> None:
    key = "market.decision_timeframe"
    plain, said = load(folder), load(folder, {key: "1m"})
    assert said.digest() == plain.digest() and said.digest(key) == plain.digest(key)
    assert plain.deciding(key) == {key: "1m"}
    coarser = load(folder, {key: "1h"})
    assert coarser.digest(key) != plain.digest(key) and coarser.digest("market") != plain.digest("market")
    dearer = load(folder, {"market.costs.multiplier": 2.0})
    assert dearer.digest(key) == plain.digest(key)
    assert dearer.digest("market.costs") != plain.digest("market.costs")
    assert set(plain.deciding("universe", key)) == {*plain.deciding("universe"), key}
