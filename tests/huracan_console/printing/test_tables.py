"""One table, in pipes and on terminals of any width: nothing is lost there, nothing runs over here."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from huracan_console.printing.tables import Column, Table, columns_of, print_table

NAMES = ("trade_id", "symbol", "net_bps", "reason")
Rows = list[tuple[object, ...]]
ROWS: Rows = [
    ("89fddc07f56837f4e47db8b127b89f67", "BTC/USDT", -10.25214, "held too long while it turned"),
    ("f0646ed053aa8abd69fe8a7c9fe04a00", "1000PEPE/USDT", 154.0, None),
]


def _printed(table: Table, width: int | None) -> list[str]:
    """The lines of a pipe, or of a terminal so many columns wide, without its colours."""
    file = io.StringIO()
    is_terminal = width is not None
    print_table(table, Console(file=file, width=width, force_terminal=is_terminal, no_color=True))
    return [
        line.replace("\x1b[1m", "").replace("\x1b[2m", "").replace("\x1b[0m", "")
        for line in file.getvalue().splitlines()
    ]


def _answer(width: int | None, rows: Rows = ROWS, names: tuple[str, ...] = NAMES) -> list[str]:
    return _printed(Table(columns_of(names, rows), rows), width)


def test_in_a_pipe_every_cell_is_whole_and_every_row_is_one_line() -> None:
    assert _answer(None) == [
        "trade_id                          symbol          net_bps  reason",
        "89fddc07f56837f4e47db8b127b89f67  BTC/USDT       -10.2521  held too long while it turned",
        "f0646ed053aa8abd69fe8a7c9fe04a00  1000PEPE/USDT  154       -",
    ]
    many = tuple(f"column_{number}" for number in range(80))
    head, row = _answer(None, [tuple("x" * 300 for _ in many)], many)
    assert head.split() == list(many) and row.split() == ["x" * 300] * 80


def test_on_a_terminal_that_is_wide_enough_the_same_has_a_rule_below_its_heading() -> None:
    head, rule, *rows = _answer(120)
    assert [head, *rows] == _answer(None) and set(rule) == {"─"}


def test_rows_wider_than_the_terminal_are_shown_one_column_a_line() -> None:
    assert _answer(60) == [
        "1 of 2 ─────────────────",
        "trade_id  89fddc07f56837f4e47db8b127b89f67",
        "symbol    BTC/USDT",
        "net_bps   -10.2521",
        "reason    held too long while it turned",
        "2 of 2 ─────────────────",
        "trade_id  f0646ed053aa8abd69fe8a7c9fe04a00",
        "symbol    1000PEPE/USDT",
        "net_bps   154",
        "reason    -",
    ]


def test_of_many_wide_rows_the_columns_that_fit_are_shown_and_the_others_named() -> None:
    lines = _answer(60, ROWS * 20)
    assert lines[0].split() == ["trade_id", "symbol", "net_bps"]
    assert len(lines) == 2 + 40 + 2
    assert " ".join(lines[42:]).startswith("+1 column: reason. Fewer rows are shown one column a line")


def test_columns_that_may_go_leave_by_their_order_and_what_folds_takes_more_lines() -> None:
    columns = [
        *(Column("trade_id"), Column("symbol", goes=1), Column("net_bps", is_number=True, goes=2)),
        Column("reason", folds=True),
    ]
    table = Table(columns, ROWS)
    whole, narrow, narrower = _printed(table, 75), _printed(table, 64), _printed(table, 60)
    assert whole[0].split() == list(NAMES)
    assert narrow[0].split() == ["trade_id", "symbol", "reason"]
    assert [line[49:] for line in narrow[2:5]] == ["held too long", "while it turned", "-"]
    assert narrow[5].startswith("+1 column: net_bps. ")
    assert narrower[0].split() == ["trade_id", "reason"]
    assert narrower[-2].startswith("+2 columns: symbol, net_bps. ")


def test_a_text_without_end_is_whole_in_a_pipe_and_does_not_flood_a_terminal() -> None:
    rows: Rows = [("a", "x" * 10_000)]
    assert _answer(None, rows, ("id", "text"))[1] == "a   " + "x" * 10_000
    lines = _answer(60, rows, ("id", "text"))
    assert len(lines) < 15 and lines[-1].endswith("…")


def test_no_row_is_a_heading_and_no_column_is_nothing() -> None:
    assert _answer(None, []) == ["trade_id  symbol  net_bps  reason"]
    assert _answer(20, [])[0].split() == ["trade_id", "symbol"]
    assert _answer(20, [], ()) == []


def test_what_would_steer_the_terminal_is_spelled_out_in_cells_and_names() -> None:
    lines = _answer(None, [("a\x1b[31m\nb [red]c[/red]",)], ("na\tme",))
    assert lines == ["na\\tme", "a\\x1b[31m\\nb [red]c[/red]"]


@pytest.mark.parametrize("width", [20, 60, 80, 200])
@given(
    rows=st.lists(
        st.tuples(st.text(max_size=90), st.floats(), st.integers(), st.none() | st.text()), max_size=40
    )
)
def test_nothing_at_all_runs_over_the_edge_of_a_terminal(width: int, rows: Rows) -> None:
    for folds in (False, True):
        columns = [Column(name, folds=folds) for name in NAMES]
        for line in _printed(Table(columns, rows), width):
            assert cell_len(line) <= width
