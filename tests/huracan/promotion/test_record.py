"""What the rows of the ledger say: which days are whose, which are lost, and which came too late to be
seen."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from huracan.promotion.champion import BY_NIGHT, DEMOTE, Act, row_of
from huracan.promotion.day import DayResult
from huracan.promotion.evidence import Lost
from huracan.promotion.record import TrialRecord, registration
from huracan.promotion.trial_rows import DAY, DECISION, NIGHT, PROCEDURE, TrialRow
from tests.huracan.promotion.test_evidence import FIRST, day

MINE, OTHER = "a" * 64, "b" * 64


def _rows(*told: tuple[str, dict[str, Any]]) -> list[TrialRow]:
    rows: list[TrialRow] = []
    for number, (kind, content) in enumerate(told):
        rows.append(TrialRow.after(rows, kind, str(number), content))
    return rows


def _night(number: int, whose: str = MINE, contrast: float | None = None) -> tuple[str, dict[str, Any]]:
    night = (FIRST + timedelta(days=number)).isoformat()
    content = {"day": night, "procedure": whose, "model_id": "m", "contrast": contrast}
    return NIGHT, content | {"held_out_usd": [float(number)]}


def _result(number: int, whose: str = MINE, usd: float = 1.0) -> tuple[str, dict[str, Any]]:
    return DAY, {"procedure": whose, **day(number, usd).plain()}


def _record(*told: tuple[str, dict[str, Any]], until: int = 99) -> TrialRecord:
    return TrialRecord(_rows(*told), FIRST + timedelta(days=until))


def _at(number: int) -> date:
    return FIRST + timedelta(days=number)


def test_a_day_is_the_procedures_whose_brains_alone_were_in_force() -> None:
    record = _record(_night(0), _night(1), _night(2, OTHER), _night(3, OTHER))
    assert [record.owner(_at(number)) for number in range(6)] == [None, MINE, MINE, None, OTHER, OTHER]


def test_a_night_without_a_brain_leaves_the_day_to_the_procedure_before_it_for_a_week() -> None:
    record = _record(_night(0))
    assert record.owner(_at(8)) == MINE and record.owner(_at(9)) is None


def test_days_with_candles_that_were_not_traded_are_lost_and_those_without_are_none() -> None:
    record = _record(*(_night(number) for number in range(5)), _result(1), _result(4), until=4)
    evidence = record.evidence(MINE, lambda each: each != _at(3))
    assert [type(each) for each in evidence.days] == [DayResult, Lost, DayResult]
    assert evidence.days[1] == Lost(_at(2))


@pytest.mark.parametrize(("missing", "lost"), [(7, 7), (8, 0)])
def test_a_hole_of_more_than_a_week_is_no_fault(missing: int, lost: int) -> None:
    after = missing + 2
    record = _record(_night(0), _result(1), _night(1), _night(after - 1), _result(after), until=after)
    evidence = record.evidence(MINE, lambda _: True)
    assert sum(isinstance(each, Lost) for each in evidence.days) == lost


def test_the_first_recorded_result_of_a_day_stands() -> None:
    record = _record(_night(0), _result(1, usd=5.0), _result(1, usd=-9.0))
    assert record.results(MINE)[_at(1)].result_usd == 5.0


def test_a_night_sees_no_row_of_a_later_day() -> None:
    told = (_night(0), _result(1), _night(1), _result(2), _night(2))
    early = _record(*told, until=1)
    assert list(early.results(MINE)) == [_at(1)] and list(early.nights) == [_at(0), _at(1)]


@pytest.mark.parametrize(("by", "counts"), [("me@here", 0), (BY_NIGHT, 2)])
def test_a_person_ends_what_was_earned_before_whenever_the_night_runs(by: str, counts: int) -> None:
    ended = row_of(Act(DEMOTE, None, "I saw it.", ended=MINE), _at(9), "", by, None)
    record = _record(_night(0), _result(1), _night(1), _result(2), (DECISION, ended), until=2)
    assert len(record.evidence(MINE, lambda _: True).days) == counts
    assert len(record.decisions) == (counts == 0)


def test_a_procedure_is_numbered_among_those_on_candles_that_overlap() -> None:
    now = datetime(2025, 3, 9, 3, tzinfo=UTC)
    rows: list[TrialRow] = []
    numbers = []
    for digest, symbols in (("a", ["BTC"]), ("b", ["ETH"]), ("c", ["BTC", "ETH"]), ("d", ["SOL"])):
        content = registration(digest, TrialRecord(rows, _at(9)), symbols, now, {"settings": {}})
        numbers.append(content["number"])
        rows.append(TrialRow.after(rows, PROCEDURE, digest, content))
    assert numbers == [1, 1, 3, 1]
    registered = TrialRecord(rows, _at(9)).registered("c")
    assert registered is not None and registered.bar == 240.0
    assert registered.first_prospective_day == date(2025, 3, 9), "its 24:00 is still to come"
    assert TrialRecord(rows, _at(9)).registered("e") is None


def test_others_are_the_days_of_other_procedures_on_overlapping_candles() -> None:
    registered = [
        (
            PROCEDURE,
            {"digest": digest, "number": 1, "registered_at": "2025-03-01T00:00:00+00:00", "symbols": [own]},
        )
        for digest, own in ((MINE, "BTC"), (OTHER, "BTC"), ("c" * 64, "SOL"))
    ]
    record = _record(*registered, _result(1), _result(1, OTHER, 7.0), _result(1, "c" * 64))
    assert record.others(MINE, ["BTC"]) == [{_at(1): 7.0}]


def test_contrasts_and_held_out_days_are_of_the_procedures_own_nights() -> None:
    record = _record(_night(0, contrast=-1.0), _night(1, OTHER, 9.0), _night(2), _night(3, contrast=2.0))
    assert record.contrasts(MINE, _at(3)) == [-1.0] and record.contrasts(MINE, _at(4)) == [-1.0, 2.0]
    assert record.held_out_usd(MINE) == [0.0] and record.held_out_usd("c" * 64) == []


def test_a_result_is_read_back_from_its_row_to_the_bit() -> None:
    result = replace(day(3, 0.1 + 0.2), regimes={"panic": (3, -1e-17)}, models=("m", "n"), alone_usd=None)
    (row,) = _rows((DAY, {"procedure": MINE, **result.plain()}))
    assert DayResult.read(row.content) == result
