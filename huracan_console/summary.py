"""What a night made, for scripts and for a person. The facts come from the lake's manifests."""

import json
from datetime import date
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from huracan.errors import InputRefused
from huracan_assets.registry import assets_by_job
from huracan_console.instance import REPOSITORY
from huracan_console.plan import NIGHT
from huracan_console.safe_text import plain
from huracan_console.walk import Walk, Workplace
from huracan_resources.brains import LATEST, read_latest
from huracan_resources.resources import Resources


def night_summary(workplace: Workplace, day: date, result: Walk) -> dict[str, Any]:
    """Everything that `--json` prints, as plain values."""
    lake = workplace.resources.lake
    assets = {}
    for job in NIGHT:
        for asset in assets_by_job()[job]:
            manifest = lake.manifest(asset, day)
            if manifest is not None:
                data = manifest.files.get("data.parquet")
                assets[asset] = {
                    "content_hash": manifest.content_hash,
                    "rows": data.rows if data else None,
                    "note": manifest.note,
                    "failed_checks": [v.check for v in manifest.verdicts if not v.passed],
                }
    return {
        "day": day.isoformat(),
        "source": workplace.resources.candle_source.identity.name,
        "is_success": result.is_success,
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
        "brain": brain_of(workplace.resources, day),
        "lake": lake.store.url,
        "database": workplace.resources.database.shown_url,
    }


def brain_of(resources: Resources, day: date) -> dict[str, Any]:
    """The verdict of the day and where `latest` points, or what ails it."""
    manifest = resources.lake.manifest("baseline_brain", day)
    if manifest is None or "brain.json" not in manifest.files:
        return {"verdict": "none", "reasons": [manifest.note if manifest else "The night did not get there."]}
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


def print_summary(summary: dict[str, Any]) -> None:
    """To standard output: what was made, the verdict with its reasons, where things lie, what to do next."""
    console = Console()
    table = Table(title=f"Night of {summary['day']} ({summary['source']} candles)", title_justify="left")
    table.add_column("asset")
    table.add_column("rows", justify="right")
    table.add_column("content")
    table.add_column("note")
    for name, asset in summary["assets"].items():
        failed = ", ".join(asset["failed_checks"])
        note = asset["note"] or (f"warned by {failed}" if failed else "")
        table.add_row(
            name, "" if asset["rows"] is None else f"{asset['rows']:,}", asset["content_hash"][:12], note
        )
    console.print(table)
    brain = summary["brain"]
    console.print(f"\nBrain: {brain['verdict']}", style="bold", highlight=False)
    for reason in brain["reasons"]:
        console.print(f"  - {reason}", highlight=False)
    if "seeds" in brain:
        seeds = brain["seeds"]
        spread = f"{seeds['net_usd_lowest']:+.2f} to {seeds['net_usd_highest']:+.2f} USD"
        console.print(
            f"  the median of {seeds['count']} seeds, which made {spread} on the held-out days",
            highlight=False,
        )
    if "bundle_url" in brain:
        console.print(f"  lies in {brain['bundle_url']}", highlight=False, soft_wrap=True)
    if brain.get("latest_error"):
        console.print(f"  {brain['latest_error']}", highlight=False, soft_wrap=True)
    command = REPOSITORY / ".venv" / "bin" / "huracan"
    shown = command.relative_to(REPOSITORY) if command.exists() else "huracan"
    console.print(f"\nLook at it: {shown} up, then open http://127.0.0.1:3000", highlight=False)


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
    click.echo("huracan: what is done stays done; the same command goes on from there.", err=True)
