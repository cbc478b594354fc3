"""The asset `trade_context`: what is known of each of the day's trades beside the ledger."""

import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.memory.rows import of_policy, with_entries_named
from huracan.analysis.trades.checks import judge_neighbours
from huracan.analysis.trades.drivers import explain_by_night
from huracan.analysis.trades.luck import measure_luck
from huracan.analysis.trades.trade_context import TRADE_CONTEXT_COLUMNS, TradeContext
from huracan.market.handover import as_date
from huracan.tables import Table
from huracan_assets import shown
from huracan_assets.inputs import market_block
from huracan_assets.inputs.in_force import models_in_force, nights_of
from huracan_assets.inputs.named_features import names_of_day
from huracan_assets.inputs.past_trades import confidence_of
from huracan_assets.inputs.remembered import statistics_of
from huracan_assets.inputs.windows import before_held_days, held_days, with_held_days
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, Read, record
from huracan_assets.stage import DATABASE_RETRY, Check, Outcome, StageContext, stage


@stage(
    job=TRADE,
    kinds={"parquet"},
    reads=[
        record("shadow_trades"),
        Read("trade_memory"),
        *models_in_force("confidence_model"),
        Read("ohlcv", days=before_held_days),
        Read("market_costs", days=with_held_days),
        Read("features", days=with_held_days),
        Read("regimes", days=with_held_days, table="data"),
    ],
    tables={"data": Table(TRADE_CONTEXT_COLUMNS)},
    settings=["market"],
    checks=[Check("memory_as_of", "Every similar trade had closed before the signal it was found for.")],
    searches=["trade_memory"],
    retry=DATABASE_RETRY,
    reads_outside=True,
)
def trade_context(inputs: Inputs, context: StageContext) -> Outcome:
    """What wins and losses are both explained by: similar trades in memory, the percentile among the entries
    that chance could have made, and what spoke for the trade to the confidence model in force then."""
    trades = inputs.table("shadow_trades") if inputs.has("shadow_trades") else None
    memory = of_policy(inputs.table("trade_memory")) if inputs.has("trade_memory") else None
    if trades is None or memory is None or memory.num_rows < trades.num_rows:
        return Outcome(note=f"No trade of the policy of {context.day} is in memory.")
    neighbours = _neighbours(memory, trades, inputs, context)
    settings, market = context.settings, context.settings.market
    named = with_entries_named(trades, names_of_day(inputs, context), statistics_of(inputs).feature_names)
    drivers = explain_by_night(
        named,
        nights_of(trades, settings),
        statistics_of(inputs),
        lambda night: confidence_of(inputs, context, as_date(night)),
    )
    block = market_block.priced_block(inputs, settings, context.day, days_before=held_days(settings))
    luck = measure_luck(trades, block, market.rules, market.costs)
    table = TradeContext.of(trades, neighbours, luck, drivers).table(trades, context.day)
    return Outcome(
        tables={"data": table},
        verdicts=[judge_neighbours(trades, neighbours)],
        metadata={"similar_trades": len(neighbours), "luck": shown.count_table(table, ["luck_scope"])},
    )


def _neighbours(memory: pa.Table, trades: pa.Table, inputs: Inputs, context: StageContext) -> pa.Table:
    """For each of the day's trades, the most similar ones of its side that had closed before its signal.

    Exactly, and all at once: what a night finds, it finds again.
    """
    from huracan_resources.database.memory import Queries, similar_trades
    from huracan_resources.database.memory_filter import MemoryFilter

    statistics, vectors = statistics_of(inputs), pc.list_flatten(memory["embedding"].combine_chunks())
    queries = Queries(
        vectors.to_numpy(zero_copy_only=False).reshape(trades.num_rows, statistics.dimensions),
        as_of=trades["signal_time"].to_pylist(),
        sides=trades["side"].to_pylist(),
    )
    with context.resources.database.connect() as connection:
        return similar_trades(connection, queries, MemoryFilter(statistics.version), is_exact=True)
