"""The asset `entry_alternatives`: what other moments to enter would have brought."""

from huracan.durations import minutes_of
from huracan.evaluation.entry_alternatives import ENTRY_ALTERNATIVES_COLUMNS
from huracan.evaluation.entry_alternatives import entry_alternatives as estimate_alternatives
from huracan.evaluation.explored_moments import READ_OF_MOMENTS, READ_OF_TRADES
from huracan.tables import Always, Table
from huracan_assets import shown
from huracan_assets.inputs.windows import trailing_days
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, Read
from huracan_assets.shadow import alternative_plots
from huracan_assets.stage import Outcome, StageContext, stage


@stage(
    job=TRADE,
    kinds={"postgres"},
    reads=[Read("explored_trades", days=trailing_days, is_record=True, may_lack_days=True)],
    tables={"data": Table(ENTRY_ALTERNATIVES_COLUMNS, keep=Always(), in_database=True)},
    settings=["models.trailing_days", "market.rules.maximum_holding"],
)
def entry_alternatives(inputs: Inputs, context: StageContext) -> Outcome:
    """What simple rules of when to enter would have brought in the trailing days, by the exploration book.

    The book draws entries with a known probability, so what it brought can be weighed to what any rule would
    have entered: by the weights alone, and with a model of the result beside them. Younger entries than the
    longest holding wait. The list of rules is fixed; the best of many is best by luck too.
    """
    days = [day for day in inputs.days("explored_trades") if inputs.holds("explored_trades", day)]
    if not days:
        return Outcome(note=f"Nothing was explored in the days up to {context.day}.")
    moments = inputs.table("explored_trades", "moments", READ_OF_MOMENTS)
    trades = inputs.table("explored_trades", columns=READ_OF_TRADES)
    holding_minutes = minutes_of(context.settings.market.rules.maximum_holding)
    table = estimate_alternatives(moments, trades, days, holding_minutes)
    if table.num_rows == 0:
        return Outcome(note=f"No explored entry up to {context.day} is older than the longest holding yet.")
    return Outcome(
        tables={"data": table},
        metadata={
            "picture": alternative_plots.rules_of_entering(table),
            "alternatives": shown.top_rows(table, 60),
        },
    )
