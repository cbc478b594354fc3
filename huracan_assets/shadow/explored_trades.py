"""The asset `explored_trades`: random entries of the day, apart from the policy's ledger."""

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from huracan.market.paper.exploring.columns import EXPLORED_COLUMNS, EXPLORED_OPEN_COLUMNS, MOMENTS_COLUMNS
from huracan.tables import Always, Table
from huracan_assets import shown
from huracan_assets.inputs import market_block
from huracan_assets.inputs.accounts import OPEN_POSITIONS, accounts_of, carried_in, told_of_a_gap
from huracan_assets.inputs.crew import READS_OF_A_DAY_ON_PAPER, Crew, provenance_of, without_regimes
from huracan_assets.inputs.windows import exploration_days
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, Read
from huracan_assets.shadow import plots
from huracan_assets.stage import Check, Outcome, StageContext, stage
from huracan_resources.lake.entry_features import TRACE_FILE, entry_timeframe

if TYPE_CHECKING:
    from huracan.market.paper.exploring.book import Exploration

MOMENTS = "moments"


@stage(
    job=TRADE,
    kinds={"parquet", "postgres"},
    reads=[
        *READS_OF_A_DAY_ON_PAPER,
        accounts_of("explored_trades"),
        Read(
            "explored_trades",
            key="past",
            days=exploration_days,
            ends=-1,
            edge=False,
            is_record=True,
            may_lack_days=True,
            table=MOMENTS,
        ),
        # For the check alone: a ledger that was judged bad takes no other book with it on later runs.
        Read("shadow_trades", is_record=True, may_lack_days=True),
    ],
    tables={
        "data": Table(EXPLORED_COLUMNS, keep=Always(), in_database=True),
        MOMENTS: Table(MOMENTS_COLUMNS, keep=90),
        OPEN_POSITIONS: Table(
            EXPLORED_OPEN_COLUMNS,
            keep=Always("the day after goes on from what is open"),
            name="explored_open",
        ),
    },
    settings=["universe", "market", "exploration"],
    checks=[
        Check(
            "book_apart",
            "No explored trade is in the policy's ledger; each drawn entry is closed, open or unfilled.",
        )
    ],
    is_record=True,
)
def explored_trades(inputs: Inputs, context: StageContext) -> Outcome:
    """Random entries on the day's bars, through the same market and rules, each on an account of its own:
    what memory, models, patterns and gates learn from while the policy stays out.

    Every close of a decision bar draws by itself, by a probability that was known before it and is written
    down: half of the budget (`exploration.entries_per_day`) goes where the policy, softened, would enter,
    half anywhere. Stop, target and time-out end a position. None of it is in the policy's ledger or figures.
    """
    # What they import is compiled or takes a second to load; definitions must load fast.
    from huracan.market.paper.exploring.book import Explorer, explore_day
    from huracan.market.paper.exploring.check import judge_book_apart

    settings, crew = context.settings, Crew.of(inputs, context)
    carried = carried_in(inputs, settings, context.day)
    before = [] if carried is None else carried.accounts["trade_id"].to_pylist()
    if settings.exploration.entries_per_day == 0 and not before:
        return Outcome(note="Nothing is explored: exploration.entries_per_day is 0.")
    if not inputs.holds("regimes", context.day):
        return without_regimes(context, carried if before else None)
    market, block = settings.market, market_block.paper_block(inputs, settings)
    explorer = Explorer(settings.exploration, _past(inputs, context), carried)
    provenance = provenance_of(inputs, context)
    book = explore_day(block, crew.watches(inputs), market.rules, market.costs, provenance, explorer)
    return Outcome(
        tables={"data": book.trades, MOMENTS: book.moments, OPEN_POSITIONS: book.open_positions},
        files={TRACE_FILE: json.dumps(crew.trace(block.feature_names)).encode()},
        verdicts=[judge_book_apart(book, _ledger(inputs), before)],
        metadata=_shown(book) | told_of_a_gap(carried, context.resources.lake, context.day, context.asset),
    )


def _past(inputs: Inputs, context: StageContext) -> pa.Table | None:
    """Moments of days that were decided on bars as long as those of now."""
    lake, decided = context.resources.lake, context.decision_timeframe.name
    days = [each for each in inputs.manifests("past") if entry_timeframe(lake, each) == decided]
    held = [each for each in days if f"{MOMENTS}.parquet" in each.files]
    return lake.read_manifests(held, None, MOMENTS) if held else None


def _ledger(inputs: Inputs) -> list[str]:
    """The identities of what the policy traded, closed on the day or open at its end."""
    held = [name for name in ("data", OPEN_POSITIONS) if inputs.has("shadow_trades", f"{name}.parquet")]
    tables = [inputs.table("shadow_trades", name, ["trade_id"]) for name in held]
    return [each for table in tables for each in table["trade_id"].drop_null().to_pylist()]


def _shown(book: "Exploration") -> dict[str, Any]:
    return {
        "wins_and_losses": plots.win_loss_table(book.trades),
        "drawn": book.drawn,
        "not_filled": book.lapsed,
        "expected": round(float(book.moments["moment_propensity"].to_numpy().sum()), 2),
        "open_positions": book.open_positions.num_rows,
        "exits": shown.count_table(book.trades, ["exit_reason", "side"]),
    }
