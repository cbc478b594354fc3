"""`huracan gates`: what each gate was worth over trailing nights, as a table or JSON."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import click

from huracan.errors import InvalidInput
from huracan.gates.worth.trailing_columns import WINDOWS
from huracan_console.printing.figures import MISSING
from huracan_console.printing.row_text import rows_as_json
from huracan_console.printing.tables import Column, Table, print_table, standard_output
from huracan_console.safe_text import plain
from huracan_resources.lake.views import LakeViews
from huracan_resources.settings.settings import Settings
from huracan_resources.workspace import HomeWorkspace

TRAILING, PROPOSALS, _CHANGES = "gate_stats_trailing", "gate_stats_proposals", "gate_changes"
BINDING = "binding_worth"
_COLUMNS = {
    "gate": Column("gate"), "book": Column("book", goes=9), "mode": Column("mode", goes=6),
    "judged": Column("judged", is_number=True, goes=5), "passes": Column("passes", is_number=True),
    "refused": Column("refused won/lost", is_number=True, goes=3),
    "worth": Column("saves bps", is_number=True), "interval": Column("95 %", is_number=True, goes=2),
    "last": Column("added last", is_number=True, goes=7),
    "share": Column("share of all", is_number=True, goes=8),
    "overlap": Column("most like", goes=10), "evidence": Column("harm", is_number=True, goes=4),
    "always": Column("", goes=1),
}  # fmt: skip


def show_gates(settings: Settings, day: date | None, nights: int, *, as_json: bool) -> int:
    """Exit code 0. `day`: the newest night that has judged gates, where it is None. InvalidInput for a window
    that no night tells of, and a night without such a table."""
    if nights not in WINDOWS:
        raise InvalidInput(
            f"No night tells of {nights} trailing nights.", f"Ask for {', '.join(map(str, WINDOWS))}."
        )
    day, workspace = newest_of(settings, day)
    with LakeViews(workspace.resources.lake, day, day) as views:
        names, rows = views.rows(f"SELECT * FROM {TRAILING} WHERE nights = ?", [nights])
        proposed = [] if as_json else _proposed(views)
        changed = [] if as_json else changes_of(views, day - timedelta(days=nights - 1), day)
    with LakeViews(workspace.resources.lake, day - timedelta(days=nights - 1), day) as views:
        bound = [] if as_json else _bound(views)
    if as_json:
        click.echo(rows_as_json(names, rows))
        return 0
    found = [values_of(dict(zip(names, row, strict=True))) for row in rows]
    title = f"Gates on {day}, {nights} trailing nights: net bps per signal that their answers save"
    console = standard_output()
    if not found:
        console.print(f"No signal was judged on the {nights} nights up to {day}.", highlight=False)
        return 0
    cells = [[values[name] for name in _COLUMNS] for values in found]
    print_table(Table(list(_COLUMNS.values()), cells, title), console)
    told = [
        f"Changed on {row['day']}, {row['setting']}: {row['new_value']} where it was {row['old_value']}"
        f" ({row['cause']}). {row['reason']}"
        for row in changed
    ]
    for line in [*proposed, *told, *bound]:
        console.print(plain(line), highlight=False, markup=False, soft_wrap=True)
    return 0


def changes_of(views: LakeViews, first: date, last: date) -> list[dict[str, Any]]:
    """What of gates was changed on the nights `first` to `last`, the newest first; `views` are narrowed."""
    views.narrow(first, last)
    if _CHANGES not in views.tables:
        return []
    return views.records(f"SELECT * FROM {_CHANGES} ORDER BY day DESC, setting")


def newest_of(settings: Settings, day: date | None) -> tuple[date, HomeWorkspace]:
    """The night that is asked for, or else the newest that holds the worth of gates. InvalidInput with the
    reason where it holds none."""
    workspace = HomeWorkspace(settings)
    lake = workspace.resources.lake
    for each in reversed(lake.days("gate_stats")) if day is None else [day]:
        manifest = lake.manifest("gate_stats", each)
        if manifest is not None and "trailing.parquet" in manifest.files:
            return each, workspace
        if day is not None and manifest is not None and manifest.note:
            raise InvalidInput(f"{day}: {manifest.note}", "Ask for another day.")
    if day is None:
        raise InvalidInput("No night has told yet what gates are worth.", "Run huracan nightly.")
    with LakeViews(lake, day, day) as views:
        raise views.without(TRAILING)


def values_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a line shows of a row of the trailing table."""
    low, high, always = row["saved_low_bps"], row["saved_high_bps"], row["always"]
    return {
        **row,
        "passes": _number(row["pass_rate"], ".0%"),
        "refused": f"{row['refused_winners']}/{row['refused_losers']}",
        "worth": _number(row["saved_bps"], "+.2f"),
        "interval": MISSING if low is None else f"{low:+.2f} to {high:+.2f}",
        "last": _number(row["saved_last_bps"], "+.2f"),
        "share": _number(row["shapley_bps"], "+.2f"),
        "overlap": row["overlapping_gate"] and f"{row['overlapping_gate']} {row['overlap']:.0%}",
        "evidence": _number(row["harm_evidence"], ".2f"),
        "always": always and f"always {always}",
    }


def _number(value: float | None, form: str) -> str:
    return MISSING if value is None else f"{value:{form}}"


def _bound(views: LakeViews) -> list[str]:
    """What gates that bind were worth on the nights; nothing where they changed nothing."""
    if BINDING not in views.tables:
        return []
    sums = "sum(result_usd) AS alone, sum(gated_result_usd) AS gated, sum(worth_usd) AS worth"
    (row,) = views.records(f"SELECT count(DISTINCT day) AS nights, {sums} FROM {BINDING}")
    if not row["worth"]:
        return []
    return [
        f"Gates that bind: over {row['nights']} nights the policy made {row['alone']:+,.2f} USD by itself and"
        f" {row['gated']:+,.2f} USD with them; binding was worth {row['worth']:+,.2f} USD."
    ]


def _proposed(views: LakeViews) -> list[str]:
    rows = views.records(f"SELECT * FROM {PROPOSALS} WHERE is_proposed ORDER BY book DESC, gate")
    return [f"Proposed for {row['gate']} by the {row['book']} book: {row['reason']}" for row in rows]
