"""What changes of what gates ask for, night by night: by whom, by how much, and why."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan.errors import InputRefused, InvalidInput
from huracan.gates.roster import gate_kinds
from huracan.gates.worth.carried import Moved, Thresholds, settings_in_force, values_in_force
from huracan.gates.worth.changes import as_configured, changes_table, taken_over
from huracan.gates.worth.config import GateWorthConfig
from huracan.gates.worth.night import Moment
from huracan.gates.worth.proposals import PROPOSALS_SCHEMA, Asking, gate_proposals
from huracan.market.block import MS_PER_DAY
from tests.huracan.gates.worth.made_books import made_book

KINDS = gate_kinds()
CONFIG = GateWorthConfig(adopts="both", nights_between_changes=5)
COST, REGRET = "gates.cost.buffer_bps", "gates.regret.maximum_regret"
CONFIGURED: dict[str, Any] = {
    COST: 5.0,
    "gates.cost.mode": "advisory",
    f"{REGRET}.runner": 0.9,
    f"{REGRET}.scalp": 0.95,
}
BEFORE = Thresholds(CONFIGURED, {})


def _at(night: int) -> Moment:
    return Moment(night, 0, (night + 1) * MS_PER_DAY + 4 * 3_600_000)


def _proposals(*rows: dict[str, Any]) -> pa.Table:
    silent = dict.fromkeys(PROPOSALS_SCHEMA.names) | {"book": "policy", "is_proposed": False}
    silent |= {"reason": "nothing", "governed_reason": "It loses."}
    return pa.Table.from_pylist([silent | row for row in rows], schema=PROPOSALS_SCHEMA)


def _proposed(shift: float, gate: str = "cost", book: str = "policy") -> dict[str, Any]:
    reason = f"A threshold moved by {shift:+.4g} gained."
    return {"gate": gate, "book": book, "is_proposed": True, "shift": shift, "reason": reason}


def _governed(shift: float, rate: float, wanted: float, excess: float = 0.0, **more: Any) -> dict[str, Any]:
    governed = {"governed_shift": shift, "pass_rate": rate, "governed_pass_rate": wanted}
    return {"gate": "cost"} | governed | {"break_even_excess": excess} | more


def _adopted(
    *rows: dict[str, Any], config: GateWorthConfig = CONFIG, before: Thresholds = BEFORE, night: int = 100
) -> tuple[Thresholds, list[dict[str, str | None]]]:
    return taken_over(before, _proposals(*rows), KINDS, config, _at(night))


def test_a_proposal_is_taken_over_and_says_so() -> None:
    left, (row,) = _adopted(_proposed(2.0))
    assert (row["gate"], row["setting"], row["cause"]) == ("cost", COST, "proposal")
    assert (row["old_value"], row["new_value"]) == ("5.0", "7.0")
    assert row["reason"] == (
        "Moved by +2, to +2 from what is configured. By the policy book: A threshold moved by +2 gained."
    )
    moved = left.moved["cost"]
    assert (moved.shift, moved.night, moved.cause) == (2.0, 100, "proposal")
    assert left.since_ms == {"cost": _at(100).in_force_ms}
    assert values_in_force(left, KINDS) == CONFIGURED | {COST: 7.0}
    assert changes_table([row]).num_rows == 1


def test_a_shift_of_probability_moves_every_number_of_the_setting_down() -> None:
    left, rows = _adopted(_proposed(0.1, "regret"))
    found = {row["setting"]: (row["old_value"], float(str(row["new_value"]))) for row in rows}
    assert found == {
        f"{REGRET}.runner": ("0.9", pytest.approx(0.8)),
        f"{REGRET}.scalp": ("0.95", pytest.approx(0.85)),
    }
    assert left.moved["regret"].shift == 0.1


def test_nothing_is_adopted_by_default() -> None:
    rows = (_proposed(2.0), _governed(3.0, 0.999, 0.98, gate="regret"))
    assert GateWorthConfig().adopts == "nothing"
    assert _adopted(*rows, config=GateWorthConfig()) == (BEFORE, [])
    for adopts, gates in (("proposals", {"cost"}), ("governor", {"regret"}), ("both", {"cost", "regret"})):
        left, _ = _adopted(*rows, config=replace(CONFIG, adopts=adopts))  # type: ignore[arg-type]
        assert set(left.moved) == gates


def test_what_is_not_proposed_changes_nothing() -> None:
    assert _adopted(_proposed(2.0) | {"is_proposed": False}) == (BEFORE, [])


def test_the_policys_own_signals_are_asked_before_explored_ones() -> None:
    left, _ = _adopted(_proposed(9.0, book="explored"), _proposed(2.0))
    assert left.moved["cost"].shift == 2.0
    left, (row,) = _adopted(_proposed(9.0, book="explored"), _proposed(2.0) | {"is_proposed": False})
    assert left.moved["cost"].shift == 9.0 and "By the explored book" in str(row["reason"])


@pytest.mark.parametrize(
    ("row", "shift"),
    [
        (_governed(1.5, 0.999, 0.98), 1.5),  # too many pass
        (_governed(-1.5, 0.1, 0.2), -1.5),  # too few
        (_governed(1.5, 0.5, 0.4, excess=-0.1), 1.5),  # what passes surely loses
        (_governed(-1.5, 0.5, 0.6, excess=0.1), None),  # within the bounds a gain loosens nothing
        (_governed(-1.5, 0.1, 0.2, excess=-0.1), None),  # too few pass, and those lose: never more
        (_governed(0.0, 0.1, 0.2), None),  # no threshold gets nearer
    ],
)
def test_the_governor_acts_out_of_bounds_and_on_sure_losses(row: dict[str, Any], shift: float | None) -> None:
    left, rows = _adopted(row)
    assert (left.moved["cost"].shift if rows else None) == shift
    for each in rows:
        assert each["cause"] == "governor" and "is asked for. It loses." in str(each["reason"])


def test_the_governor_comes_before_what_is_proposed() -> None:
    left, (row,) = _adopted(_proposed(-4.0) | _governed(1.5, 0.5, 0.4, excess=-0.1))
    assert left.moved["cost"].shift == 1.5 and row["cause"] == "governor"


def test_a_gate_is_left_alone_until_a_change_can_be_judged() -> None:
    left, _ = _adopted(_proposed(2.0))
    for night in range(101, 105):
        assert _adopted(_proposed(1.0), before=left, night=night) == (left, [])
    later, (row,) = _adopted(_proposed(1.0), before=left, night=105)
    assert later.moved["cost"].shift == 3.0
    assert (row["old_value"], row["new_value"]) == ("7.0", "8.0")
    assert "Moved by +1, to +3 from what is configured." in str(row["reason"])


def test_a_setting_stays_in_its_range_and_the_reason_tells_it() -> None:
    left, rows = _adopted(_proposed(5.0, "regret"))
    assert left.moved["regret"].shift == pytest.approx(0.9)
    assert {row["setting"]: float(str(row["new_value"])) for row in rows} == {
        f"{REGRET}.runner": pytest.approx(0.0),
        f"{REGRET}.scalp": pytest.approx(0.05),
    }
    assert "+5 would take gates.regret.maximum_regret out of its range" in str(rows[0]["reason"])
    # Where it is at the end already nothing happens, so nothing is recorded.
    assert _adopted(_proposed(1.0, "regret"), before=left, night=200) == (left, [])


def test_a_gate_that_is_off_is_not_changed() -> None:
    off = Thresholds(CONFIGURED | {"gates.cost.mode": "off"}, {})
    assert _adopted(_proposed(2.0), before=off) == (off, [])


def test_what_a_person_configures_anew_is_moved_no_more() -> None:
    left, _ = _adopted(_proposed(2.0))
    now = CONFIGURED | {COST: 6.0, "gates.cost.mode": "off"}
    reset, rows = as_configured(left, now, KINDS, CONFIG, _at(101))
    buffer, mode = rows
    assert (buffer["old_value"], buffer["new_value"], buffer["cause"]) == ("7.0", "6.0", "configured")
    assert "The configuration says 6.0 where it said 5.0." in str(buffer["reason"])
    assert "It had been moved by +2 since 1970-04-11." in str(buffer["reason"])
    assert (mode["setting"], mode["old_value"], mode["new_value"]) == (
        "gates.cost.mode",
        '"advisory"',
        '"off"',
    )
    assert mode["reason"] == 'The configuration says "off" where it said "advisory".'
    assert reset.moved["cost"].shift == 0.0 and reset.since_ms == {"cost": 101 * MS_PER_DAY}
    # It waits like after any other change.
    assert _adopted(_proposed(1.0), before=reset, night=103)[1] == []


def test_a_person_who_configures_what_it_was_moved_to_is_recorded_too() -> None:
    left, _ = _adopted(_proposed(2.0))
    reset, (row,) = as_configured(left, CONFIGURED | {COST: 7.0}, KINDS, CONFIG, _at(101))
    assert (row["old_value"], row["new_value"]) == ("7.0", "7.0") and reset.moved["cost"].shift == 0.0


def test_one_number_of_a_threshold_configured_anew_drops_the_shift_of_all() -> None:
    left, _ = _adopted(_proposed(0.1, "regret"))
    _, rows = as_configured(left, CONFIGURED | {f"{REGRET}.scalp": 0.5}, KINDS, CONFIG, _at(101))
    assert [(row["setting"], row["new_value"]) for row in rows] == [
        (f"{REGRET}.runner", "0.9"),
        (f"{REGRET}.scalp", "0.5"),
    ]
    assert str(rows[0]["reason"]).startswith("The threshold is configured anew.")


def test_where_nothing_is_adopted_any_more_thresholds_go_back() -> None:
    left, _ = _adopted(_proposed(2.0))
    back, (row,) = as_configured(left, CONFIGURED, KINDS, GateWorthConfig(), _at(101))
    assert (row["old_value"], row["new_value"]) == ("7.0", "5.0") and back.moved["cost"].shift == 0.0
    assert row["reason"] == "gate_worth.adopts is nothing. It had been moved by +2 since 1970-04-11."
    assert as_configured(back, CONFIGURED, KINDS, GateWorthConfig(), _at(102)) == (back, [])


def test_what_stays_as_it_is_is_no_change_and_goes_on() -> None:
    left, _ = _adopted(_proposed(2.0))
    assert as_configured(left, CONFIGURED, KINDS, CONFIG, _at(101)) == (left, [])
    assert as_configured(None, CONFIGURED, KINDS, CONFIG, _at(101)) == (BEFORE, [])


def test_settings_that_come_and_go_are_changes_without_a_value() -> None:
    now = {name: value for name, value in CONFIGURED.items() if name != "gates.cost.mode"}
    _, (row,) = as_configured(BEFORE, now | {"gates.cost.new": None}, KINDS, CONFIG, _at(101))
    assert (row["setting"], row["old_value"], row["new_value"]) == ("gates.cost.mode", '"advisory"', None)
    _, rows = as_configured(BEFORE, CONFIGURED | {"gates.new.least": 1.0}, KINDS, CONFIG, _at(101))
    assert [(row["setting"], row["old_value"], row["new_value"]) for row in rows] == [
        ("gates.new.least", None, "1.0")
    ]


def test_gates_ask_for_what_the_night_left_unless_it_is_configured_otherwise() -> None:
    left, _ = _adopted(_proposed(2.0), _proposed(0.1, "regret"))
    settings = {"cost": KINDS["cost"].settings(), "regret": KINDS["regret"].settings()}
    found = settings_in_force(settings, left, CONFIGURED, KINDS)
    assert found["cost"].buffer_bps == 7.0
    assert found["regret"].maximum_regret.scalp == pytest.approx(0.85)
    anew = {**settings, "cost": KINDS["cost"].settings(buffer_bps=6.0)}
    found = settings_in_force(anew, left, CONFIGURED | {COST: 6.0}, KINDS)
    assert found["cost"] == anew["cost"] and found["regret"].maximum_regret.scalp == pytest.approx(0.85)


def test_what_a_night_leaves_comes_back_from_its_file() -> None:
    left, _ = _adopted(_proposed(0.1))
    assert Thresholds.from_bytes(left.to_bytes()) == left
    with pytest.raises(InputRefused, match="What gates ask for"):
        Thresholds.from_bytes(left.to_bytes()[:-9])


@given(
    st.lists(st.floats(-50.0, 50.0), min_size=1, max_size=8),
    st.lists(st.integers(1, 9), min_size=8, max_size=8),
)
def test_changes_in_turn_add_up_to_what_is_in_force(shifts: list[float], waits: list[int]) -> None:
    """Each row begins with what the one before it ended with, and the last is what gates ask for."""
    left, night, value = BEFORE, 100, "5.0"
    for shift, wait in zip(shifts, waits, strict=False):
        left, rows = _adopted(_proposed(shift), before=left, night=night)
        for row in rows:
            assert row["old_value"] == value
            value = str(row["new_value"])
        night += wait
    assert float(value) == values_in_force(left, KINDS)[COST]


def test_after_a_change_only_answers_given_since_are_looked_at() -> None:
    """What was gained before is gained already: it would be proposed once more."""
    generator, count = np.random.default_rng(2), 600
    margin = generator.normal(1.0, 1.0, count)
    net = 20.0 * (margin - 1.5) + generator.normal(0.0, 20.0, count)
    nights = np.repeat(np.arange(41, 101), 10)
    # From night 81 on the threshold is as it should be.
    later = nights > 80
    margin, net = np.where(later, margin - 1.5, margin), np.where(later, 20.0 * (margin - 1.5), net)
    said = ["pass" if each > 0 else "block" for each in margin]
    book = made_book({"cost": said}, net.tolist(), nights.tolist(), margins={"cost": margin.tolist()})
    found = [
        gate_proposals(
            book, 100, CONFIG, np.random.default_rng(0), Asking({"cost": COST}, since_ms=since)
        ).to_pylist()[0]
        for since in ({}, {"cost": 81 * MS_PER_DAY})
    ]
    everything, since = found
    assert everything["searched_nights"] == 40 and since["searched_nights"] == 14
    assert since["shift"] == 0.0 and not since["is_proposed"]
    assert since["pass_rate"] == pytest.approx(float((margin[later] > 0).mean()))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"adopts": "everything"}, "gate_worth.adopts was 'everything'.*nothing, proposals, governor, both"),
        ({"nights_between_changes": 0}, "gate_worth.nights_between_changes was 0"),
    ],
)
def test_a_setting_out_of_range_is_named(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        replace(CONFIG, **changed)


def test_a_gate_that_declares_no_threshold_any_more_is_not_moved() -> None:
    kinds = dict(KINDS) | {"cost": replace(KINDS["cost"], threshold=None)}
    left = Thresholds(CONFIGURED, {"cost": Moved(2.0, 90, 0, "proposal", "why")})
    assert settings_in_force({"cost": 1}, left, CONFIGURED, kinds) == {"cost": 1}
    kept, _ = as_configured(left, CONFIGURED, kinds, CONFIG, _at(101))
    assert kept.moved == {}
