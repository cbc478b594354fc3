"""`huracan prove promotion`: policies without skill through whole years of sessions and verdicts, and days of
a known Sharpe ratio through everything that blocks. It needs no database, no lake and no Dagster."""

import json
from collections.abc import Sequence
from dataclasses import replace

import click
from rich.console import Console

from huracan.errors import InvalidInput
from huracan.promotion.settings import PromotionConfig
from huracan.proof.promotion.nulls import NullRow, NullSettings, null_bars, prove_nulls
from huracan.proof.promotion.power import ASKED, PowerRow, PowerSettings, power_bars, prove_power
from huracan.proof.proof_table import Bar, Proof
from huracan_console.printing.tables import Column, Table, print_table, standard_output
from huracan_console.prove import bars_table

CASES = ("nulls", "power")


def run_promotion_proof(
    limits: PromotionConfig, cases: tuple[str, ...], markets: int | None, console: Console, *, as_json: bool
) -> int:
    """Exit code 0 where every bar is met, 1 where one is missed. `limits` are what a night would ask."""
    if unknown := [case for case in cases if case not in CASES]:
        raise InvalidInput(f"There is no case {unknown[0]!r}.", f"Use one of {', '.join(CASES)}.")
    rows, bars = list[NullRow | PowerRow](), list[Bar]()
    nulls = tuple[NullRow, ...]()
    if not cases or "nulls" in cases:
        settings = NullSettings(limits=limits)
        settings = settings if markets is None else replace(settings, markets=markets)
        nulls = prove_nulls(settings, lambda row: console.print(_null_line(row), highlight=False))
        rows, bars = [*rows, *nulls], [*bars, *null_bars(nulls, settings)]
    power = tuple[PowerRow, ...]()
    if not cases or "power" in cases:
        drawn = PowerSettings(limits=limits)
        drawn = drawn if markets is None else replace(drawn, draws=markets)
        power = prove_power(drawn, lambda row: console.print(_power_line(row), highlight=False))
        rows, bars = [*rows, *power], [*bars, *power_bars(power)]
    proof = Proof(tuple(rows), tuple(bars))
    if as_json:
        click.echo(json.dumps(proof.to_json(), sort_keys=True))
    else:
        _print_tables(nulls, power, bars)
    return 0 if proof.is_met else 1


def _null_line(row: NullRow) -> str:
    return (
        f"{row.policy}, costs {row.costs}: {row.promoted} of {row.markets} years promoted,"
        f" {row.promoted_in_turn} of procedures in turn"
    )


def _power_line(row: PowerRow) -> str:
    when = "never by half" if row.median_night is None else f"half by night {row.median_night}"
    return f"Sharpe ratio {row.sharpe:g}, {row.tail} days: {row.promoted_by[-1]:.1%} within the year, {when}"


def _print_tables(nulls: Sequence[NullRow], power: Sequence[PowerRow], bars: Sequence[Bar]) -> None:
    """To standard output: policies without skill, those with it, then the bars."""
    console = standard_output()
    if nulls:
        print_table(_nulls_table(nulls), console)
        console.print(
            "\nfirst bet: years in which the bet on the results alone would have promoted. beyond: share of"
            " days that lost more than their unit.\n"
        )
    if power:
        print_table(_power_table(power), console)
        console.print()
    print_table(bars_table(bars), console)


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
