"""The asset `ohlcv`: the day's closed candles of every symbol, on an explicit grid."""

from huracan.candles.market_info import MARKET_INFO_FILE, market_infos_to_json
from huracan.candles.quality import assemble_day, judge_candles
from huracan.candles.schema import OHLCV_COLUMNS, QUARANTINE_COLUMNS
from huracan.tables import Table
from huracan_assets.jobs import MARKET
from huracan_assets.reads import Inputs
from huracan_assets.stage import Check, Outcome, Retry, StageContext, stage

NETWORK_RETRY = Retry(delay_seconds=10, has_jitter=True)


@stage(
    job=MARKET,
    kinds={"parquet"},
    reads=[],
    tables={"data": Table(OHLCV_COLUMNS), "quarantine": Table(QUARANTINE_COLUMNS)},
    settings=["universe", "source", "candles"],
    checks=[
        Check("candle_continuity", "Every bar of the day is there, or is there as a bar marked missing."),
        Check("candle_sanity", "Few rows are in quarantine and no price jumps beyond belief."),
    ],
    retry=NETWORK_RETRY,
    reads_outside=True,
)
def ohlcv(inputs: Inputs, context: StageContext) -> Outcome:
    """Closed candles of the UTC day from the candle source, one row per symbol and bar.

    A minute without a candle is a row marked `missing`, never an invented price; a bad row lies unchanged in
    the partition's table `quarantine` with its reason. A perpetual's funding rates stand in the column
    `funding_rate` of the bar at whose open they are settled. What the exchange demands of an order (steps of
    price and quantity, least value) lies in `market_info.json`, as it was when the day was fetched, so that
    training need not ask the exchange.
    """
    universe, source = context.settings.universe, context.resources.candle_source
    source.check_symbols(universe.symbols)
    raw, funding, infos = {}, {}, []
    for done, symbol in enumerate(universe.symbols):
        context.progress(done / len(universe.symbols), symbol)
        raw[symbol] = source.fetch_day(symbol, context.day)
        funding[symbol] = source.fetch_funding(symbol, context.day)
        infos.append(universe.filters(symbol).completed_by(source.market_info(symbol)))
    day = assemble_day(raw, context.day, context.timeframe, funding)
    known = [info for info in infos if not info.is_empty]
    return Outcome(
        tables={"data": day.ohlcv, "quarantine": day.quarantine},
        files={MARKET_INFO_FILE: market_infos_to_json(known)} if known else {},
        verdicts=judge_candles(day, context.timeframe, context.settings.candles),
        metadata={
            "source": source.identity.name,
            "quarantined_rows": day.quarantine.num_rows,
            "funding_rates": sum(table.num_rows for table in funding.values()),
            "markets_with_filters": len(known),
        },
        is_simulated=source.identity.is_simulated,
        source=source.identity.label,
    )
