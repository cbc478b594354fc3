"""A table on standard output, by one rule for all commands.

In a pipe or a file every cell is whole and every row is one line, in aligned columns with two blanks between
them. On a terminal nothing runs over its edge: text is folded, columns that may go are left out and named,
and what is still wider is shown one column a line. How a value becomes text is decided in `figures`.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import zip_longest
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from huracan_console.printing.figures import is_number, shown

_GAP = "  "
_FOLDED = 12
"""The least width of text that is folded."""
_CUT = 32
"""The most width of a cell in a long answer, of which only some columns fit."""
_LONGEST = 600
"""The most characters of a value on a terminal."""
_MOST_RECORD_LINES = 100
"""With more of them, one column a line is no longer a view of the rows."""
_MOST_NAMES, _RECORD_RULE = 8, 24


@dataclass(frozen=True)
class Column:
    """`goes`: the columns with the highest number leave a narrow terminal first, those with 0 stay. One that
    `folds` may take several lines there, and the style of its row `colours` it."""

    heading: str
    is_number: bool = False
    goes: int = 0
    folds: bool = False
    colours: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of values, with a style for each row where there are `styles`."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    title: str = ""
    styles: Sequence[str] = ()


def standard_output() -> Console:
    """Where answers go. A pipe is no terminal, whatever FORCE_COLOR says to rich."""
    return Console(force_terminal=None if sys.stdout.isatty() else False)


def columns_of(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[Column]:
    """The columns of an answer; which of them are numbers is seen in the rows."""
    held = zip(*rows, strict=True) if rows else [()] * len(names)
    kinds = [[value for value in column if value is not None] for column in held]
    return [
        Column(shown(name), is_number=bool(kind) and all(map(is_number, kind)))
        for name, kind in zip(names, kinds, strict=True)
    ]


def print_table(table: Table, console: Console) -> None:
    """Print it; of a table without rows the headings."""
    if not table.columns:
        return
    held = zip(*table.rows, strict=True) if table.rows else [()] * len(table.columns)
    filled = [_Filled(column, _texts(column, each)) for column, each in zip(table.columns, held, strict=True)]
    if console.is_terminal:
        if table.title:
            console.print(Text(table.title, "bold"))
        _Terminal(console, table.styles).print(filled)
        return
    lines = [table.title] if table.title else []
    widths = [each.width for each in filled]
    console.file.writelines(f"{line}\n" for line in (*lines, _headings(filled, widths)))
    for row in zip(*(each.texts for each in filled), strict=True):
        console.file.write(f"{_GAP.join(_placed(row, filled, widths)).rstrip()}\n")


@dataclass(frozen=True)
class _Filled:
    """A column with its text of each row."""

    column: Column
    texts: Sequence[str]

    @cached_property
    def width(self) -> int:
        return max(map(cell_len, (self.column.heading, *self.texts)))

    def cut(self, longest: int) -> "_Filled":
        heading = _cut(self.column.heading, longest)
        return _Filled(replace(self.column, heading=heading), [_cut(text, longest) for text in self.texts])


@dataclass(frozen=True)
class _Terminal:
    console: Console
    styles: Sequence[str]

    def print(self, filled: Sequence[_Filled]) -> None:
        may_go = sorted(
            (at for at, each in enumerate(filled) if each.column.goes), key=lambda at: filled[at].column.goes
        )
        kept, widths = _narrowed(filled, may_go, self.console.width)
        lines = len(filled) * len(filled[0].texts)
        if widths is None and 0 < lines <= max(_MOST_RECORD_LINES, len(filled)):
            self._print_records(filled)
            return
        remedy = "A wider terminal and `| less -S` show them."
        if widths is None:
            longest = min(_CUT, self.console.width)
            filled = [each.cut(longest) for each in filled]
            if lines:
                remedy = "Fewer rows are shown one column a line; `| less -S` shows all of it."
            kept, widths = _narrowed(filled, range(1, len(filled)), self.console.width)
        self._print_rows([filled[at] for at in kept], widths or [self.console.width])
        self._name([each.column.heading for at, each in enumerate(filled) if at not in kept], remedy)

    def _print_rows(self, filled: Sequence[_Filled], widths: Sequence[int]) -> None:
        self._say(Text(_headings(filled, widths), "bold"))
        self._say(self._rule("", sum(widths) + len(_GAP) * (len(widths) - 1)))
        for number, row in enumerate(zip(*(each.texts for each in filled), strict=True)):
            style = self.styles[number] if self.styles else ""
            folded = [self._folded(text, width) for text, width in zip(row, widths, strict=True)]
            for texts in zip_longest(*folded, fillvalue=""):
                placed = _placed(texts, filled, widths)
                coloured = (
                    Text(text, style if each.column.colours else "")
                    for text, each in zip(placed, filled, strict=True)
                )
                line = Text(_GAP).join(coloured)
                line.rstrip()
                self._say(line)

    def _print_records(self, filled: Sequence[_Filled]) -> None:
        names = [each.column.heading for each in filled]
        lead = min(max(map(cell_len, names)), self.console.width // 2)
        count = len(filled[0].texts)
        for number in range(count):
            if count > 1:
                self._say(self._rule(f"{number + 1} of {count} ", min(_RECORD_RULE, self.console.width)))
            for each in filled:
                value = _cut(each.texts[number].strip(), _LONGEST)
                lines = self._folded(value, max(self.console.width - lead - len(_GAP), 1))
                for name, line in zip_longest([_cut(each.column.heading, lead)], lines, fillvalue=""):
                    self._say(Text.assemble((set_cell_size(name, lead), "bold"), _GAP, line))

    def _rule(self, text: str, width: int) -> Text:
        return Text(text.ljust(width, "-" if self.console.options.ascii_only else "─"), "dim")

    def _name(self, gone: Sequence[str], remedy: str) -> None:
        if gone:
            more = f" and {len(gone) - _MOST_NAMES} more" if len(gone) > _MOST_NAMES + 1 else ""
            named = ", ".join(gone[:_MOST_NAMES] if more else gone)
            columns = "column" if len(gone) == 1 else "columns"
            self.console.print(Text(f"+{len(gone)} {columns}: {named}{more}. {remedy}", "dim"))

    def _folded(self, text: str, width: int) -> list[str]:
        if cell_len(text) <= width:
            return [text]
        return [line.plain.rstrip() for line in Text(text).wrap(self.console, width)]

    def _say(self, line: Text) -> None:
        self.console.print(line, soft_wrap=True)


def _narrowed(
    filled: Sequence[_Filled], may_go: Sequence[int], width: int
) -> tuple[list[int], list[int] | None]:
    """The columns that are left when those that may go have left from the last on until the others fit, and
    how wide each is then; None where they never do."""
    kept, going = list(range(len(filled))), list(may_go)
    while True:
        widths = _fitted([filled[at] for at in kept], width)
        if widths is not None or not going:
            return kept, widths
        kept.remove(going.pop())


def _fitted(filled: Sequence[_Filled], width: int) -> list[int] | None:
    """The width of each column within `width`, where what folds gives way; None where that is not enough."""
    widths = [each.width for each in filled]
    over = sum(widths) + len(_GAP) * (len(widths) - 1) - width
    for at in sorted(range(len(filled)), key=lambda at: -widths[at]):
        if filled[at].column.folds and over > 0:
            given = min(over, max(widths[at] - _FOLDED, 0))
            widths[at], over = widths[at] - given, over - given
    return widths if over <= 0 else None


def _texts(column: Column, values: Sequence[Any]) -> list[str]:
    """The values as text, numbers with their points below one another."""
    texts = [shown(value) for value in values]
    if not column.is_number:
        return texts
    decimals = [len(text.partition(".")[2]) for text in texts]
    most = max(decimals, default=0)
    return [
        text + " " * (most - held + (most > 0 and held == 0))
        for text, held in zip(texts, decimals, strict=True)
    ]


def _headings(filled: Sequence[_Filled], widths: Sequence[int]) -> str:
    return _GAP.join(_placed([each.column.heading for each in filled], filled, widths)).rstrip()


def _placed(texts: Sequence[str], filled: Sequence[_Filled], widths: Sequence[int]) -> list[str]:
    """Each text padded to its column's width."""
    blanks = [" " * (width - cell_len(text)) for text, width in zip(texts, widths, strict=True)]
    return [
        blank + text if each.column.is_number else text + blank
        for text, blank, each in zip(texts, blanks, filled, strict=True)
    ]


def _cut(text: str, longest: int) -> str:
    return text if cell_len(text) <= longest else set_cell_size(text, longest - 1).rstrip() + "…"
