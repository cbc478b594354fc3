"""Betting against gates: what they are wrong about is won, looking nightly costs nothing, harm is found."""

import json

import numpy as np
import pyarrow as pa
import pytest

from huracan.evidence.betting import STAKES, LastingBet
from huracan.gates.worth.bets import (
    ALARM,
    after_the_night,
    bets_as_plain,
    bets_from_plain,
    judge_worth,
    stakes_of,
)
from huracan.gates.worth.judged import JudgedBook
from huracan.market.block import MS_PER_DAY
from tests.huracan.gates.worth.made_books import HOUR_MS, made_book

UNIT = 80.0
"""Of results: 20 volatilities of 4 bps."""


def _night_end(night: int) -> int:
    return (night + 1) * MS_PER_DAY


def _evidence(book: JudgedBook, gate: str, nights: range) -> list[float]:
    """Of every night, each shown what had closed by then."""
    bets, told = dict[str, LastingBet](), []
    for night in nights:
        bets = after_the_night(book.of_nights(0, night), bets, _night_end(night))
        told.append(bets[gate].evidence)
    return told


def test_one_refused_winner_and_one_halved_loser_by_hand() -> None:
    book = made_book(
        {"refuses": ["block", "abstain"], "halves": ["pass", "pass, resize 0.5"], "passes": ["pass", "pass"]},
        [0.5 * UNIT, -UNIT],
    )
    bets = after_the_night(book, {}, _night_end(100))
    # Half of the 1 is given to those who begin on the first night.
    assert bets["refuses"].evidence == pytest.approx(0.5 + 0.5 * (1 + 0.5 * STAKES).mean())
    assert bets["halves"].evidence == pytest.approx(0.5 + 0.5 * (1 - 0.5 * STAKES).mean())
    assert bets["passes"].evidence == pytest.approx(1.0)


def test_who_enlarges_is_bet_against_by_half_and_never_loses_more_than_is_staked() -> None:
    verdicts = {"doubles": ["pass, resize 2.0"] * 2}
    bets = after_the_night(made_book(verdicts, [-UNIT, 5 * UNIT]), {}, _night_end(100))
    # Both at one moment: the loss wins half of its stake, the gain of twice the unit takes all of the other.
    free = 1 - STAKES - STAKES * (1 - STAKES)
    possible = [STAKES * won + (1 - STAKES) * STAKES * lost + free for won, lost in ((1.5, 0.0), (0.0, 1.5))]
    assert bets["doubles"].evidence == pytest.approx(0.5 + 0.5 * possible[0].mean()) or bets[
        "doubles"
    ].evidence == pytest.approx(0.5 + 0.5 * possible[1].mean())


def test_signals_whose_trades_may_be_open_wait_and_count_once() -> None:
    book = made_book({"only": ["block", "block"]}, [UNIT, UNIT], [100, 101])
    ripe = _night_end(101) - 14 * HOUR_MS  # between the first trade's signal and that of the second
    first = after_the_night(book, {}, ripe)
    assert first["only"].evidence == pytest.approx(0.5 + 0.5 * (1 + STAKES).mean())
    second = after_the_night(book, first, _night_end(101))
    given = 0.5 * (1 + STAKES) + 1 / 6
    assert second["only"].evidence == pytest.approx(1 / 3 + (given * (1 + STAKES)).mean())
    assert after_the_night(book, second, _night_end(102))["only"].evidence == pytest.approx(
        second["only"].evidence
    )


def test_bets_that_were_stored_go_on_to_the_bit_and_those_of_other_stakes_begin_anew() -> None:
    book = made_book({"only": ["block", "block"]}, [UNIT, -UNIT / 3], [100, 101])
    before = after_the_night(book, {}, _night_end(100))
    stored = json.loads(json.dumps(bets_as_plain({"policy": before})))
    carried = bets_from_plain(stored)["policy"]
    assert after_the_night(book, carried, _night_end(101))["only"].plain() == (
        after_the_night(book, before, _night_end(101))["only"].plain()
    )
    stored["policy"]["only"]["purse"]["free"] = [1.0]
    assert bets_from_plain(stored) == {"policy": {}}


def _harmless(generator: np.random.Generator, nights: int, a_night: int) -> JudgedBook:
    """What is refused ends at a stop or a target of a driftless walk, three at a time."""
    count = nights * a_night
    net = np.where(generator.random(count) < 0.6, -0.4, 0.6) * UNIT
    return made_book(
        {"only": ["block"] * count}, net.tolist(), np.repeat(np.arange(nights), a_night).tolist()
    )


def test_of_gates_that_do_no_harm_few_are_ever_accused_however_often_one_looks() -> None:
    generator, gates, nights = np.random.default_rng(11), 200, 30
    accused = sum(
        max(_evidence(_harmless(generator, nights, 3), "only", range(nights))) >= ALARM for _ in range(gates)
    )
    assert accused <= 0.05 * gates


def test_a_gate_that_turns_bad_after_long_good_nights_is_found() -> None:
    generator = np.random.default_rng(12)
    good, bad = 60, 45
    mean = np.repeat([-0.3, 0.35], [good * 6, bad * 6])
    net = generator.normal(mean, 0.4).clip(-1, 2)
    nights = np.repeat(np.arange(good + bad), 6)
    book = made_book({"only": ["block"] * net.size}, (net * UNIT).tolist(), nights.tolist())
    told = _evidence(book, "only", range(good + bad))
    assert max(told[:good]) < 1.1 and told[-1] >= ALARM


def test_a_gate_that_does_harm_is_warned_of_until_it_is_asked_no_more() -> None:
    said = {"harms": ["block"] * 12, "helps": ["pass"] * 12}
    book = made_book(said, [UNIT] * 12, list(range(12)))
    bets = after_the_night(book, {}, _night_end(12))
    assert bets["harms"].evidence > ALARM
    warned = judge_worth(book, bets)
    assert not warned.passed and not warned.blocking and "Set gates.harms.mode to off" in warned.reason
    assert warned.numbers["harms"] == bets["harms"].evidence and warned.numbers["helps"] == 1.0
    off = made_book({"harms": ["block"] * 11 + [None], "helps": ["pass"] * 12}, [UNIT] * 12, list(range(12)))
    mended = judge_worth(off, after_the_night(off, {}, _night_end(12)))
    assert mended.passed and mended.numbers == {"helps": 1.0}
    nothing = judge_worth(book, after_the_night(book.of_nights(0, 0), {}, _night_end(12)))
    assert nothing.passed and "None of 2 gates is known to do harm" in nothing.reason


def test_a_part_of_a_stake_makes_a_part_of_the_result() -> None:
    book = made_book({"only": ["block"]}, [UNIT], stake=[0.25])
    bets = after_the_night(book, {}, _night_end(100))
    assert bets["only"].evidence == pytest.approx(0.5 + 0.5 * (1 + 0.25 * STAKES).mean())


def test_an_explored_entry_has_the_stake_of_the_part_that_follows_the_policy_whatever_comes_later() -> None:
    explored = pa.table(
        {
            "propensity": [0.04, 0.02, 0.01, 0.01],
            "uniform_density": [0.01, 0.02, 0.005, 0.01],
            "policy_density": [0.3, 0.0, 0.05, None],
        }
    )
    assert stakes_of(explored).tolist() == pytest.approx([0.75, 0.0, 0.5, 0.0])
    assert stakes_of(explored.slice(0, 1)).tolist() == stakes_of(explored)[:1].tolist()
