"""The accounts that a day on paper goes on from: what the day before left open."""

from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa

from huracan.candles.redenominations import REDENOMINATIONS_FILE, redenominations_from_json
from huracan_assets.finished import LEDGER
from huracan_assets.reads import Inputs, Read
from huracan_resources.lake.lake import Lake
from huracan_resources.settings.settings import Settings

if TYPE_CHECKING:
    from huracan.market.block import MarketBlock
    from huracan.market.paper.carrying import Carried, Opening

CARRIED = "carried"
OPEN_POSITIONS = "open_positions"


def accounts_of(book: str) -> Read:
    """What the asset `book` left open the day before.

    Undrawn: an asset that is drawn to depend on itself is backfilled day by day from the UI.
    """
    return Read(
        book,
        key=CARRIED,
        ends=-1,
        optional=True,
        edge=False,
        is_record=True,
        table=OPEN_POSITIONS,
        because="The day after it goes on from what was open at its end.",
    )


CARRIED_IN = accounts_of(LEDGER)


def carried_on(accounts: pa.Table, settings: Settings, day: date) -> "Carried":
    """What the day before `day` handed over."""
    from huracan.market.paper.carrying import Carried

    return Carried(accounts, frozenset(settings.universe.outside_on(day)))


def carried_in(inputs: Inputs, settings: Settings, day: date) -> "Carried | None":
    """The same from `accounts_of` a book; None at a beginning, and after a version that left nothing."""
    if not inputs.has(CARRIED, f"{OPEN_POSITIONS}.parquet"):
        return None
    return carried_on(inputs.table(CARRIED, OPEN_POSITIONS), settings, day)


def told_of_a_gap(carried: "Carried | None", lake: Lake, day: date, book: str = LEDGER) -> dict[str, str]:
    """For the UI, where accounts of a book begin flat on `day` though earlier ones were handed over: since
    when nobody goes on from them."""
    if carried is not None:
        return {}
    for each in (known for known in reversed(lake.days(book)) if known < day):
        manifest = lake.manifest(book, each)
        if manifest is not None and f"{OPEN_POSITIONS}.parquet" in manifest.files:
            sides = lake.read_manifests([manifest], ["side"], OPEN_POSITIONS)["side"]
            held = f"the {len(sides) - sides.null_count} positions that were open at the end of {each}"
            why = "more than a week without a day on paper followed"
            return {
                "accounts": f"They begin flat: {why}, so {held} and that day's money are carried by none."
            }
    return {}


def opening_again(
    carried: "Carried | None",
    block: "MarketBlock",
    inputs: Inputs,
    settings: Settings,
    day: date,
    lead: str = "",
) -> "Opening":
    """With what `day` began, by the rules and costs of now, for whoever plays it again.

    Of its candles, read as `ohlcv` led by `lead`, it is asked in which units they are.
    """
    from huracan.market.paper.provenance import Provenance
    from huracan.market.paper.session import opening_of

    declared = redenominations_from_json(inputs.file_of_day(f"{lead}ohlcv", day, REDENOMINATIONS_FILE))
    nobody = Provenance("", "", "", False, declared=declared)
    return opening_of(block, settings.market.rules, settings.market.costs, nobody, carried)
