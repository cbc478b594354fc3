"""What a night made, for scripts and for a person. The facts come from the lake's manifests."""

import json
from datetime import date
from typing import Any

import click
from rich.console import Console

from huracan.errors import InputRefused
from huracan_assets.finished import LEDGER
from huracan_assets.inputs.accounts import OPEN_POSITIONS
from huracan_assets.jobs import PUBLISH, TRADE
from huracan_assets.registry import assets_by_job
from huracan_console.outlook import shown_duration
from huracan_console.plan import NIGHT
from huracan_console.printing.tables import Column, Table, print_table, standard_output
from huracan_console.safe_text import plain
from huracan_console.walk import Walk, Workplace
from huracan_resources.brains import LATEST, read_latest
from huracan_resources.installation import checkout
from huracan_resources.lake.lake import Lake
from huracan_resources.resources import Resources


def night_summary(workplace: Workplace, day: date, result: Walk) -> dict[str, Any]:
    """Everything that `--json` prints, as plain values. Of a night that failed only what this walk made is
    told: what an earlier one left there is not its answer."""
    resources = workplace.resources
    made = [job for job in NIGHT if result.has_made(job, day)]
    assets = {}
    for asset in (asset for job in made for asset in assets_by_job()[job]):
        manifest = resources.lake.manifest(asset, day)
        if manifest is not None:
            data = manifest.files.get("data.parquet")
            assets[asset] = {
                "content_hash": manifest.content_hash,
                "rows": data.rows if data else None,
                "note": manifest.note,
                "made_again_because": result.changes.get((asset, day), ""),
                "checks": len(manifest.verdicts),
                "failed_checks": [v.check for v in manifest.verdicts if not v.passed],
            }
    brain = brain_of(resources, day) if PUBLISH in made else _without_brain("The night did not get there.")
    return {
        "day": day.isoformat(),
        "source": resources.candle_source.identity.name,
        "is_success": result.is_success,
        "seconds": round(result.seconds, 1),
        "runs": [
            {
                "job": run.job,
                "day": run.day.isoformat(),
                "run_id": run.run_id,
                "is_success": run.is_success,
                "error": run.error,
            }
            for run in result.finished
        ],
        "assets": assets,
        "traded": traded_of(resources.lake, day) if TRADE in made else None,
        "brain": brain,
        "lake": resources.lake.store.url,
        "database": resources.database.shown_url,
    }


def traded_of(lake: Lake, day: date) -> dict[str, Any] | None:
    """Closed trades, their net, the change of marked equity, drawdown and open positions of the day on paper;
    None where none was traded."""
    manifest = lake.manifest("model_performance", day)
    if manifest is None or "data.parquet" not in manifest.files:
        return None
    names = ["trades", "net_usd", "result_usd", "maximum_drawdown_pct"]
    (row,) = (
        each for each in lake.read_table("model_performance", day).to_pylist() if each["scope"] == "all"
    )
    # A day of a version that ended its days flat has no result beside its net, and left nothing open.
    return {name: row.get(name) for name in names} | {"held": _held_of(lake, day)}


def _held_of(lake: Lake, day: date) -> int:
    """Positions that are open at the day's end."""
    manifest = lake.manifest(LEDGER, day)
    if manifest is None or f"{OPEN_POSITIONS}.parquet" not in manifest.files:
        return 0
    sides = lake.read_table(LEDGER, day, OPEN_POSITIONS, columns=["side"])["side"]
    return len(sides) - int(sides.null_count)


def _without_brain(why: str) -> dict[str, Any]:
    return {"verdict": "none", "reasons": [why]}


def brain_of(resources: Resources, day: date) -> dict[str, Any]:
    """The verdict of the day and where `latest` points, or what ails it."""
    manifest = resources.lake.manifest("baseline_brain", day)
    if manifest is None or "brain.json" not in manifest.files:
        return _without_brain(manifest.note if manifest else "The night did not get there.")
    brain: dict[str, Any] = json.loads(resources.lake.read_file("baseline_brain", day, "brain.json"))
    url, latest, error = resources.brains.url, None, None
    try:
        latest = read_latest(resources.brains)
    except InputRefused as refused:
        error = str(refused)
    return brain | {
        "bundle_url": f"{url}/{brain['bundle']}",
        "is_latest": latest is not None and latest["brain_id"] == brain["brain_id"],
        "latest": latest,
        "latest_error": error,
        "latest_pointer": f"{url}/{LATEST}",
    }


def print_json(summary: dict[str, Any]) -> None:
    click.echo(json.dumps(summary, sort_keys=True))


def print_summary(summary: dict[str, Any], *, verbose: bool) -> None:
    """To standard output: the night in four lines and the verdict with its reasons, what was made, where it
    lies, what to do next. Hashes only where it is `verbose`."""
    console = standard_output()
    took = shown_duration(summary["seconds"])
    console.print(f"\nNight of {summary['day']}, {summary['source']} candles, {took}", style="bold")
    brain = summary["brain"]
    for name, told in (("traded", _traded_line(summary)), ("checks", _checks_line(summary["assets"]))):
        console.print(f"  {name:<8}{told}", highlight=False, soft_wrap=True)
    console.print(f"  brain   [bold]{brain['verdict']}[/bold]", highlight=False)
    for reason in brain["reasons"]:
        console.print(f"    - {reason}", highlight=False, soft_wrap=True)
    if "seeds" in brain:
        seeds = brain["seeds"]
        spread = f"{seeds['net_usd_lowest']:+,.2f} to {seeds['net_usd_highest']:+,.2f} USD"
        console.print(
            f"    the median of {seeds['count']} seeds, which made {spread} on the held-out days",
            highlight=False,
            soft_wrap=True,
        )
    _print_assets(console, summary["assets"], verbose=verbose)
    if "bundle_url" in brain:
        console.print(f"The brain lies in {brain['bundle_url']}", highlight=False, soft_wrap=True)
    if brain.get("latest_error"):
        console.print(f"  {brain['latest_error']}", highlight=False, soft_wrap=True)
    root = checkout()
    shown = ".venv/bin/huracan" if root and (root / ".venv" / "bin" / "huracan").exists() else "huracan"
    console.print(f"Look at it: {shown} up, then open http://127.0.0.1:3000", highlight=False)


def _traded_line(summary: dict[str, Any]) -> str:
    traded = summary["traded"]
    if traded is None:
        note = summary["assets"].get("shadow_trades", {}).get("note", "")
        return f"nothing. {note}".rstrip()
    result = traded["net_usd"] if traded["result_usd"] is None else traded["result_usd"]
    fell = f", equity fell by {traded['maximum_drawdown_pct']:.2f} % at worst" if result else ""
    closed = f"{traded['trades']} trades closed on paper, net {traded['net_usd']:+,.2f} USD"
    held = f"{traded['held']} position{'' if traded['held'] == 1 else 's'} open"
    return f"{closed}, {held}; the day made {result:+,.2f} USD in all{fell}"


def _checks_line(assets: dict[str, Any]) -> str:
    failed = [f"{check} ({name})" for name, asset in assets.items() for check in asset["failed_checks"]]
    passed = sum(asset["checks"] for asset in assets.values()) - len(failed)
    return f"{passed} passed, {len(failed)} failed{': ' if failed else ''}{', '.join(failed)}"


def _print_assets(console: Console, assets: dict[str, Any], *, verbose: bool) -> None:
    rows = []
    for name, asset in assets.items():
        again = asset["made_again_because"]
        note = " ".join(filter(None, [asset["note"], again and f"made again: {again}"]))
        content = [asset["content_hash"]] if verbose else []
        rows.append((name, asset["rows"], *content, note or None))
    content_column = [Column("content", goes=1)] if verbose else []
    columns = [Column("asset"), Column("rows", is_number=True), *content_column, Column("note", folds=True)]
    console.print()
    print_table(Table(columns, rows), console)
    console.print()


def print_traces(result: Walk, *, verbose: bool) -> None:
    """To standard error, where it is asked for: what was going on in each failed step."""
    for run in result.failures:
        if verbose and run.trace:
            click.echo(run.trace, err=True)


def print_failures(result: Walk, *, verbose: bool) -> None:
    """To standard error: one line per failed step, and what was not started because of it."""
    for run in result.failures:
        where = f"{run.failed_step} of {run.day}" if run.failed_step else f"{run.job} of {run.day}"
        click.echo(f"huracan: {where} failed: {plain(run.error)}", err=True)
    print_traces(result, verbose=verbose)
    for skipped in result.skipped:
        click.echo(
            f"huracan: {skipped.job} of {skipped.day} was not started for lack of what failed.", err=True
        )
    click.echo("huracan: what is done stays done; without the cause the same command goes on.", err=True)
