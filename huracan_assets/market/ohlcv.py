"""The asset `ohlcv`: the day's closed candles of every symbol, on an explicit grid."""

from huracan.candles.fetch import Wanted, fetch_universe, former_candles
from huracan.candles.hourly import HOURLY_COLUMNS, hourly_summaries
from huracan.candles.last_closes import LAST_CLOSES_COLUMNS, causes_from, last_closes_from
from huracan.candles.market_info import MARKET_INFO_FILE, MarketInfo, market_infos_to_json
from huracan.candles.quality import SET_ASIDE_COLUMNS, Before, assemble_day, judge_day
from huracan.candles.redenominations import (
    REDENOMINATIONS_FILE,
    Redenomination,
    declared_by,
    info_in_units_of_before,
    redenominations_to_json,
)
from huracan.candles.schema import OHLCV_COLUMNS, QUARANTINE_COLUMNS
from huracan.candles.spread import SPREADS_COLUMNS, day_spreads
from huracan.tables import Table
from huracan_assets.inputs.stored_candles import (
    LAST_CLOSES,
    SPREADS,
    UNIVERSE_OF_CANDLES,
    closes_before,
    stored_candles,
)
from huracan_assets.jobs import MARKET
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import Check, Outcome, Retry, StageContext, stage

NETWORK_RETRY = Retry(delay_seconds=10, has_jitter=True)


@stage(
    job=MARKET,
    kinds={"parquet"},
    reads=[Read("ohlcv", key="before", ends=-1, edge=False, is_record=True, newest=LAST_CLOSES)],
    tables={
        "data": Table(OHLCV_COLUMNS),
        "quarantine": Table(QUARANTINE_COLUMNS),
        "set_aside": Table(SET_ASIDE_COLUMNS),
        "last_closes": Table(LAST_CLOSES_COLUMNS),
        SPREADS: Table(SPREADS_COLUMNS),
        "hourly": Table(HOURLY_COLUMNS),
        "former": Table(OHLCV_COLUMNS),
    },
    settings=[*UNIVERSE_OF_CANDLES, "source", "candles"],
    checks=[
        Check("candle_continuity", "Every bar of the day is there, or is there as a bar marked missing."),
        Check("candle_sanity", "Few rows are in quarantine and no price jumps beyond belief."),
        Check(
            "symbols_set_aside",
            "No symbol is set aside that was not the day before.",
            blocking=False,
        ),
    ],
    retry=NETWORK_RETRY,
    reads_outside=True,
)
def ohlcv(inputs: Inputs, context: StageContext) -> Outcome:
    """Closed candles of the UTC day from the candle source, one row per symbol and bar.

    A minute without a candle is a row marked `missing`, never an invented price; a bad row lies unchanged in
    the partition's table `quarantine` with its reason. A symbol whose day cannot be believed is set aside
    (`set_aside` says why): its bars have no candle, and the other symbols go on. A perpetual's funding rates
    stand in the column `funding_rate` of the bar at whose open they are settled. What the source says that an
    order meets in each market (kind, fees, steps of price and quantity, least value) lies in
    `market_info.json`, as it was when the day was fetched; what half-spreads the day's own bars tell, in
    `spreads`: `market_costs` goes by both. What features of later weeks look back on lies by the hour in
    `hourly`. Candles of symbols that have left the universe stay, in the table `former`.
    """
    settings, source = context.settings, context.resources.candle_source
    universe, declared = settings.universe, settings.candles.redenominations
    stored, closes = stored_candles(inputs, context, source.identity.label), closes_before(inputs)
    outside = universe.outside_on(context.day)
    wanted = Wanted(universe.symbols, context.timeframe, outside)
    fetched = fetch_universe(source, wanted, context.day, stored, context.count_symbols)
    laid = assemble_day(fetched.raw, context.day, context.timeframe, fetched.funding)
    before = Before(last_closes_from(closes), fetched.refused, causes_from(closes), outside)
    judged = judge_day(laid, context.timeframe, settings.candles, before)
    infos = [info_in_units_of_before(info, declared) for info in fetched.infos]
    return Outcome(
        tables=judged.tables
        | {SPREADS: day_spreads(judged.day.ohlcv)}
        | {"hourly": hourly_summaries(judged.day.ohlcv, context.timeframe)}
        | former_candles(stored, set(universe.symbols) - outside),
        files=_files(infos, declared_by(declared, context.day)),
        verdicts=judged.verdicts,
        metadata={
            "source": source.identity.name,
            "quarantined_rows": judged.day.quarantine.num_rows,
            "funding_rates": sum(table.num_rows for table in fetched.funding.values()),
            "kept_as_stored": "; ".join(f"{symbol}: {why}" for symbol, why in fetched.kept.items()) or "-",
        },
        is_simulated=source.identity.is_simulated,
        source=source.identity.label,
    )


def _files(infos: list[MarketInfo], declared: tuple[Redenomination, ...]) -> dict[str, bytes]:
    found = {MARKET_INFO_FILE: market_infos_to_json(infos)}
    return found | ({REDENOMINATIONS_FILE: redenominations_to_json(declared)} if declared else {})
