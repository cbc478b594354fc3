"""The exploration book as an asset: what it goes on from, what it leaves alone, and what it says."""

from dataclasses import replace
from datetime import date, timedelta

import pyarrow.compute as pc
import pytest

from huracan.analysis.memory.rows import drawn_from_anywhere, of_policy
from huracan.errors import InputRefused
from huracan.market.paper.exploring.book import Exploration
from huracan.market.paper.exploring.check import judge_book_apart
from huracan_assets.analysis.trade_memory import trade_memory
from huracan_assets.shadow.explored_trades import explored_trades
from huracan_assets.stage import Outcome
from huracan_resources.lake.parquet import encode_table
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings
from tests.huracan_assets.shadow.paper_home import BEFORE, DAY, FIRST, HOURS, Paper


def _explore(paper: Paper, *days: date) -> list[Outcome]:
    """The days in both books."""
    found = []
    for day in days:
        paper.trade(day)
        found.append(paper.trade(day, stage=explored_trades))
    return found


def _ledger(paper: Paper, day: date) -> list[str]:
    lake = paper.resources.lake
    found: list[str] = lake.read_manifests([lake.require("shadow_trades", day)])["trade_id"].to_pylist()
    return found


def test_the_book_goes_on_over_midnight_and_is_apart_from_the_ledger(paper: Paper) -> None:
    paper.train(FIRST - timedelta(days=1), FIRST, BEFORE)
    first, second, third = _explore(paper, FIRST, BEFORE, DAY)
    for before, after in ((first, second), (second, third)):
        was_open = set(before.tables["open_positions"]["trade_id"].to_pylist())
        known = {
            *after.tables["data"]["trade_id"].to_pylist(),
            *after.tables["open_positions"]["trade_id"].to_pylist(),
        }
        assert was_open and was_open <= known
    ledger = {identity for day in (FIRST, BEFORE, DAY) for identity in _ledger(paper, day)}
    explored = [each for day in (first, second, third) for each in day.tables["data"]["trade_id"].to_pylist()]
    assert ledger and explored and not ledger & set(explored)
    manifest = paper.resources.lake.require("explored_trades", DAY)
    own = sorted(key for key in manifest.inputs if key.startswith("explored_trades/"))
    assert f"explored_trades/{BEFORE}#open_positions" in own
    assert f"explored_trades/{FIRST}#moments" in own
    assert all("#" in key for key in own)


def test_without_a_policy_the_book_explores_all_the_same(paper: Paper) -> None:
    (outcome,) = _explore(paper, FIRST)
    assert outcome.tables["moments"]["entry_probability"].null_count == outcome.tables["moments"].num_rows
    assert outcome.tables["moments"].num_rows == 48
    assert outcome.metadata["drawn"] > 0


def test_a_book_that_is_switched_off_says_so_and_keeps_what_it_holds(paper: Paper) -> None:
    paper.train(FIRST - timedelta(days=1), FIRST)
    (first,) = _explore(paper, FIRST)
    home = str(paper.resources.settings.storage.home)
    off = Paper(Resources(load_settings({**HOURS, "exploration.entries_per_day": 0}, {"HURACAN_HOME": home})))
    (second,) = _explore(off, BEFORE)
    assert second.metadata["drawn"] == 0
    known = [*second.tables["data"]["trade_id"].to_pylist()]
    known += second.tables["open_positions"]["trade_id"].to_pylist()
    assert sorted(known) == sorted(first.tables["open_positions"]["trade_id"].to_pylist())


def test_a_book_that_was_never_on_is_empty_with_the_reason(paper: Paper) -> None:
    home = str(paper.resources.settings.storage.home)
    off = Paper(Resources(load_settings({**HOURS, "exploration.entries_per_day": 0}, {"HURACAN_HOME": home})))
    (outcome,) = _explore(off, FIRST)
    assert outcome.note == "Nothing is explored: exploration.entries_per_day is 0."
    assert not outcome.tables


def test_positions_that_wait_for_regimes_are_not_dropped(paper: Paper) -> None:
    paper.train(FIRST - timedelta(days=1), FIRST)
    _explore(paper, FIRST)
    paper.resources.lake.write("regimes", BEFORE, {}, note="Too little history.")
    paper.resources.lake.write("shadow_trades", BEFORE, {}, note="No session.")
    with pytest.raises(InputRefused, match="the accounts of the day before wait for them"):
        paper.trade(BEFORE, stage=explored_trades)


def test_a_day_made_again_has_the_same_bytes(paper: Paper) -> None:
    paper.train(FIRST - timedelta(days=1), FIRST)
    _explore(paper, FIRST)
    paper.trade(BEFORE)
    one, other = (paper.trade(BEFORE, stage=explored_trades) for _ in range(2))
    for name, table in one.tables.items():
        assert encode_table(table) == encode_table(other.tables[name])


def _book(outcome: Outcome) -> Exploration:
    tables = outcome.tables
    drawn = int(outcome.metadata["drawn"])
    return Exploration(
        tables["data"],
        tables["moments"],
        tables["open_positions"],
        drawn,
        int(outcome.metadata["not_filled"]),
    )


def test_the_check_finds_what_is_in_both_books_lost_doubled_or_does_not_add_up(paper: Paper) -> None:
    paper.train(FIRST - timedelta(days=1), FIRST)
    first, second = _explore(paper, FIRST, BEFORE)
    book, before = _book(second), first.tables["open_positions"]["trade_id"].to_pylist()
    own = book.trades["trade_id"][0].as_py()
    assert judge_book_apart(book, [], before).passed
    shared = judge_book_apart(book, [own], before)
    assert not shared.passed and "in the policy's ledger: 1" in shared.reason
    lost = judge_book_apart(replace(book, trades=book.trades.slice(1)), [], before)
    assert not lost.passed and "lost, or drawn by nobody: 1" in lost.reason
    unknown = judge_book_apart(book, [], [*before, "somebody"])
    assert not unknown.passed and "lost, or drawn by nobody: 1" in unknown.reason
    place = book.trades.column_names.index("net_usd")
    richer = book.trades.set_column(place, "net_usd", pc.add(book.trades["net_usd"], 1.0))
    added = judge_book_apart(replace(book, trades=richer), [], before)
    assert not added.passed and "not gross less costs" in added.reason
    place = book.trades.column_names.index("propensity")
    unlikely = book.trades.set_column(place, "propensity", pc.multiply(book.trades["propensity"], 0.0))
    assert not judge_book_apart(replace(book, trades=unlikely), [], before).passed


def test_the_memory_holds_both_books_and_patterns_a_sample_of_uniform_moments(paper: Paper) -> None:
    paper.train(FIRST - timedelta(days=1), FIRST, BEFORE)
    _explore(paper, FIRST, BEFORE, DAY)
    memory = paper.trade(DAY, stage=trade_memory).tables["data"]
    lake = paper.resources.lake
    explored = lake.read_manifests([lake.require("explored_trades", DAY)])
    own = of_policy(memory)
    assert own["trade_id"].to_pylist() == _ledger(paper, DAY)
    others = memory.filter(pc.equal(memory["book"], "explored"))
    assert others["trade_id"].to_pylist() == explored["trade_id"].to_pylist()
    weight = pc.divide(explored["uniform_density"], explored["propensity"])
    assert others["moment_weight"].to_pylist() == weight.to_pylist()
    sample = drawn_from_anywhere(memory)
    kept = set(sample["trade_id"].to_pylist())
    assert set(own["trade_id"].to_pylist()) <= kept
    assert own.num_rows < sample.num_rows < memory.num_rows
