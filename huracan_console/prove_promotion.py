"""`huracan prove promotion`: whether the verdict promotes nobody without skill and finds who has it, and
whether the future can leak in. It needs no database, no lake and no Dagster."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import click
from rich.console import Console

from huracan.errors import InvalidInput
from huracan.promotion.settings import PromotionConfig
from huracan.proof.leaks.columns import CLEAN
from huracan.proof.leaks.zoo import LeakRow, LeakSettings, leak_bars, run_zoo
from huracan.proof.promotion.nulls import NullRow, NullSettings, null_bars, prove_nulls
from huracan.proof.promotion.power import ASKED, PowerRow, PowerSettings, power_bars, prove_power
from huracan.proof.promotion.trained import TrainedRow, TrainedSettings, prove_trained, trained_bars
from huracan.proof.proof_table import Bar, Proof
from huracan_console.printing.tables import Column, Table, print_table, standard_output
from huracan_console.prove import bars_table

Tell = Callable[[str], None]
Part = tuple[Sequence[Any], tuple[Bar, ...], Table, str]
"""Rows, bars, how the rows are shown, and what must be said of them."""


@dataclass(frozen=True)
class _Asked:
    """What a night would ask, and how large the sample is; None: as large as the full proof's."""

    limits: PromotionConfig
    size: int | None
    tell: Tell


def run_promotion_proof(
    limits: PromotionConfig, cases: tuple[str, ...], size: int | None, console: Console, *, as_json: bool
) -> int:
    """Exit code 0 where every bar is met, 1 where one is missed. `limits` are what a night would ask."""
    if unknown := [case for case in cases if case not in CASES]:
        raise InvalidInput(f"There is no case {unknown[0]!r}.", f"Use one of {', '.join(CASES)}.")
    asked = _Asked(limits, size, lambda line: console.print(line, highlight=False))
    parts = [CASES[case](asked) for case in CASES if not cases or case in cases]
    proof = Proof(
        tuple(row for rows, _, _, _ in parts for row in rows),
        tuple(bar for _, bars, _, _ in parts for bar in bars),
    )
    if as_json:
        click.echo(json.dumps(proof.to_json(), sort_keys=True))
        return 0 if proof.is_met else 1
    shown = standard_output()
    for _, _, table, note in parts:
        print_table(table, shown)
        shown.print(f"\n{note}\n" if note else "")
    print_table(bars_table(proof.bars), shown)
    return 0 if proof.is_met else 1


def _nulls(asked: _Asked) -> Part:
    settings = NullSettings(limits=asked.limits)
    settings = settings if asked.size is None else replace(settings, markets=asked.size)
    rows = prove_nulls(settings, lambda row: asked.tell(_null_line(row)))
    note = (
        "first bet: years in which the bet on the results alone would have promoted. beyond: share of days"
        " that lost more than their unit."
    )
    return rows, null_bars(rows, settings), _nulls_table(rows), note


def _power(asked: _Asked) -> Part:
    settings = PowerSettings(limits=asked.limits)
    settings = settings if asked.size is None else replace(settings, draws=asked.size)
    rows = prove_power(settings, lambda row: asked.tell(_power_line(row)))
    return rows, power_bars(rows), _power_table(rows), ""


def _leaks(asked: _Asked) -> Part:
    settings = LeakSettings()
    if asked.size is not None:
        settings = replace(settings, leaking_nights=asked.size, clean_nights=asked.size)
    rows = run_zoo(settings, lambda row: None if row.absent else asked.tell(_leak_line(row)))
    note = (
        "Nights on which the night's own checks stop it, of those on which it shows anything. They look at"
        " some bars alone; every leak is stopped where they look at every bar."
    )
    return rows, leak_bars(rows), _leaks_table(rows, settings.forms), note


def _trained(asked: _Asked) -> Part:
    settings = TrainedSettings(limits=asked.limits)
    settings = settings if asked.size is None else replace(settings, markets=asked.size)
    rows = prove_trained(settings, lambda row: asked.tell(_trained_line(row)))
    return rows, trained_bars(rows), _trained_table(rows), ""


CASES: dict[str, Callable[[_Asked], Part]] = {
    "nulls": _nulls,
    "power": _power,
    "leaks": _leaks,
    "trained": _trained,
}


def _null_line(row: NullRow) -> str:
    return (
        f"{row.policy}, costs {row.costs}: {row.promoted} of {row.markets} years promoted,"
        f" {row.promoted_in_turn} of procedures in turn"
    )


def _power_line(row: PowerRow) -> str:
    when = "never by half" if row.median_night is None else f"half by night {row.median_night}"
    return f"Sharpe ratio {row.sharpe:g}, {row.tail} days: {row.promoted_by[-1]:.1%} within the year, {when}"


def _leak_line(row: LeakRow) -> str:
    says = row.stopped_by or ("no alarm" if row.leak == CLEAN else "NOT STOPPED")
    return f"{row.leak}, {row.form or row.stage}: {row.stopped_nights} of {row.nights} nights, {says}"


def _trained_line(row: TrainedRow) -> str:
    when = "never promoted" if row.promoted_on is None else f"promoted on night {row.promoted_on}"
    return f"{row.market} market {row.seed}, costs {row.costs}: {row.trades} trades, {when}"


def _nulls_table(rows: Sequence[NullRow]) -> Table:
    numbers = ("years", "promoted", "in turn", "first bet", "beyond", "mean year USD")
    columns = [Column("without skill"), Column("costs"), *(Column(name, is_number=True) for name in numbers)]
    cells = [
        (
            *(row.policy, row.costs, row.markets, row.promoted, row.promoted_in_turn, row.first_bet),
            *(f"{row.share_beyond:.2%}", f"{row.mean_year_usd:+,.0f} ± {row.standard_error_usd:,.0f}"),
        )
        for row in rows
    ]
    return Table(columns, cells, "Policies without skill, years of sessions each judged night by night")


def _power_table(rows: Sequence[PowerRow]) -> Table:
    nights = sorted({night for _, night, _ in ASKED} | {60, 365})
    columns = [
        *(Column("Sharpe ratio a year", is_number=True), Column("days")),
        *(Column(f"by {night}", is_number=True) for night in nights),
        Column("half by", is_number=True),
    ]
    cells = [
        (
            *(f"{row.sharpe:g}", row.tail),
            *(f"{row.share_by(night):.1%}" for night in nights),
            row.median_night,
        )
        for row in rows
    ]
    return Table(columns, cells, "Promoted within so many nights, first procedure")


def _leaks_table(rows: Sequence[LeakRow], forms: Sequence[str]) -> Table:
    """A line for each leak, a column for each form."""
    columns = [
        Column("planted leak"),
        *(Column(form, is_number=True) for form in forms),
        Column("stopped by", folds=True),
    ]
    lines: dict[tuple[str, str], list[LeakRow]] = {}
    for row in rows:
        lines.setdefault((row.leak, row.stage), []).append(row)
    cells = []
    for (leak, stage), own in lines.items():
        by = sorted({name for row in own for name in row.stopped_by.split(", ") if name})
        name = f"none ({stage})" if leak == CLEAN else leak
        shown = [
            "" if row.absent else f"{row.stopped_nights}/{row.nights}{'' if row.is_right else ' WRONG'}"
            for row in own
        ]
        cells.append((name, *shown, *[""] * (len(forms) - len(shown)), ", ".join(by)))
    return Table(columns, cells, "Planted leaks, and the checks that stop them")


def _trained_table(rows: Sequence[TrainedRow]) -> Table:
    numbers = (
        "markets",
        "nights",
        "trades",
        "mean USD",
        "contradicted",
        "earns",
        "beats",
        "promoted",
    )
    columns = [Column("costs"), *(Column(name, is_number=True) for name in numbers)]
    cells = []
    for costs in dict.fromkeys(row.costs for row in rows):
        own = [row for row in rows if row.costs == costs]
        nets = [row.net_usd for row in own]
        cells.append(
            (
                *(costs, len(own), sum(row.nights for row in own), sum(row.trades for row in own)),
                f"{sum(nets) / len(nets):+,.0f}",
                sum(row.contradicted for row in own),
                f"{max(row.highest_result for row in own):.2f}",
                f"{max(row.highest_skill for row in own):.2f}",
                sum(row.promoted_on is not None for row in own),
            )
        )
    title = "Brains trained on markets in which there is nothing to learn; the evidence is the highest of all"
    return Table(columns, cells, title)
