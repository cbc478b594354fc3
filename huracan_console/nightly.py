"""`huracan nightly`: one night with the history that it needs, and what came of it."""

from datetime import UTC, date, datetime, timedelta

from rich.console import Console

from huracan.candles.fetch import check_known
from huracan_assets.inputs.stored_candles import stored_symbols
from huracan_assets.jobs import MARKET
from huracan_console.outlook import announce_beginning, announce_outdated, announce_records
from huracan_console.plan import check_day, history_days, last_closed_day, plan_night
from huracan_console.status.night_record import Failure, NightRecord
from huracan_console.summary import (
    night_summary,
    print_failures,
    print_json,
    print_summary,
    print_traces,
)
from huracan_console.walk import Walk, open_workplace, walk
from huracan_resources.settings.settings import Settings


def run_night(
    settings: Settings, day: date | None, now: datetime, console: Console, *, as_json: bool, verbose: bool
) -> int:
    """Exit code 0 when every step is done, whatever the verdict on the brain; 1 when a step failed."""
    day = day or last_closed_day(now)
    check_day(day, settings, now)
    with NightRecord.of_refusal(day, settings.storage.home), open_workplace(settings) as workplace:
        console.print(
            f"Night of {day} from {workplace.resources.candle_source.identity.name} candles", style="bold"
        )
        stored = stored_symbols(workplace.resources.lake)
        check_known(workplace.resources.candle_source, settings.universe.symbols_on(day), stored)
        plan = plan_night(day, settings, workplace.freshness)
        history = history_days(day - timedelta(days=1), settings)
        announce_outdated(workplace.freshness, workplace.instance, history, [MARKET], console)
        announce_records(workplace.freshness, day, console)
        announce_beginning(workplace.freshness, day, console)
        result = walk(workplace, plan, {}, console, "history")
        _remember(settings, day, result)
        summary = night_summary(workplace, day, result)
    if as_json:
        print_json(summary)
        print_traces(result, verbose=verbose)
    elif result.is_success:
        print_summary(summary, verbose=verbose)
    else:
        print_failures(result, verbose=verbose)
    return 0 if result.is_success else 1


def _remember(settings: Settings, day: date, result: Walk) -> None:
    """For `huracan status`."""
    failures = [Failure(run.failed_step or run.job, run.day, run.error) for run in result.failures]
    NightRecord(day, datetime.now(UTC), failures).write(settings.storage.home)
