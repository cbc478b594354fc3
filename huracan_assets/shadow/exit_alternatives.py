"""The asset `exit_alternatives`: what other stops, targets and holdings would have brought."""

from datetime import timedelta

import pyarrow as pa

from huracan.durations import minutes_of
from huracan.evaluation.exit_alternatives import EXIT_ALTERNATIVES_COLUMNS
from huracan.evaluation.exit_alternatives import exit_alternatives as sum_up_exits
from huracan.evaluation.explored_moments import is_ripe
from huracan.market.what_if.held_under import (
    LONGEST_HOLDING_FACTOR,
    READ_TO_REPLAY,
    REPLAYED_COLUMNS,
    count_unknown,
    exit_settings,
    replay_exits,
    replayed_under,
)
from huracan.tables import Always, Table
from huracan_assets import shown
from huracan_assets.inputs import market_block
from huracan_assets.inputs.windows import (
    before_replayed_days,
    replayed_days,
    trailing_days,
    with_replayed_days,
)
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import Outcome, StageContext, stage

REPLAYED = "replayed"


@stage(
    job=TRADE,
    kinds={"postgres"},
    reads=[
        Read("explored_trades", days=with_replayed_days, is_record=True, may_lack_days=True),
        Read("ohlcv", days=before_replayed_days),
        Read("market_costs", days=with_replayed_days),
        Read("features", days=with_replayed_days),
        Read("regimes", days=with_replayed_days, table="data"),
        Read(
            "exit_alternatives", key="earlier", days=trailing_days, ends=-1, edge=False, is_record=True,
            may_lack_days=True, table=REPLAYED,
        ),
    ],
    tables={
        "data": Table(EXIT_ALTERNATIVES_COLUMNS, keep=Always(), in_database=True),
        REPLAYED: Table(REPLAYED_COLUMNS, keep=90, name="replayed_exits"),
    },
    settings=["universe", "market", "models.trailing_days"],
)  # fmt: skip
def exit_alternatives(inputs: Inputs, context: StageContext) -> Outcome:
    """What other stops, targets and holdings would have made of the explored entries of the trailing days.

    Each entry is made again as it was, once the longest holding that is tried has passed, and left by the
    rules with one of them changed: nothing is estimated but the mean, weighed to any moment. What was
    replayed under other rules or costs than the night's is left out.
    """
    settings, day = context.settings, context.day
    rules, costs = settings.market.rules, settings.market.costs
    longest = int(LONGEST_HOLDING_FACTOR * minutes_of(rules.maximum_holding))
    tables = [inputs.table("earlier", REPLAYED)] if inputs.has("earlier", f"{REPLAYED}.parquet") else []
    tonight, not_replayed = _ripe_tonight(inputs, context, longest)
    if tonight is not None:
        block = market_block.priced_block(inputs, settings, day, days_before=replayed_days(settings))
        made = replay_exits(tonight, block, rules, costs)
        tables.append(made)
        not_replayed += count_unknown(made)
    if not tables:
        return Outcome(note=f"No explored entry up to {day} is older than the longest holding that is tried.")
    every = pa.concat_tables(tables, promote_options="default")
    alike = replayed_under(every, rules, costs)
    table = sum_up_exits([(each.scope, each.value) for each in exit_settings(rules)], alike, longest)
    kept = {REPLAYED: made} if tonight is not None else {}
    told = {
        "alternatives": shown.top_rows(table, 30),
        "not_replayed": not_replayed,
        "replayed_under_other_rules": every.num_rows - alike.num_rows,
    }
    return Outcome(tables={"data": table, **kept}, metadata=told)


def _ripe_tonight(inputs: Inputs, context: StageContext, longest: int) -> tuple[pa.Table | None, int]:
    """The explored trades whose longest replay ends on the day, None where there are none; and how many
    others there are whose replay would, were a day between not missing."""
    days = [day for day in inputs.days("explored_trades") if inputs.holds("explored_trades", day)]
    if not days:
        return None, 0
    trades = inputs.table("explored_trades", columns=READ_TO_REPLAY)
    before = [day for day in days if day < context.day]
    ripe = is_ripe(trades, days, longest) & ~is_ripe(trades, before, longest)
    span = [context.day - timedelta(days=back) for back in range(with_replayed_days(context.settings))]
    due = is_ripe(trades, span, longest) & ~is_ripe(trades, span[1:], longest)
    lacking = int((due & ~ripe).sum())
    return (trades.filter(pa.array(ripe)) if ripe.any() else None), lacking
