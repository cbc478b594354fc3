"""The asset `ohlcv`: the day's closed candles of every symbol, on an explicit grid."""

import dagster as dg

from huracan.candles.quality import assemble_day, judge_candles
from huracan_assets.reads import Inputs
from huracan_assets.stage import Check, Night, Outcome, stage

NETWORK_RETRY = dg.RetryPolicy(
    max_retries=3, delay=10, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)


@stage(
    group="market",
    kinds={"parquet"},
    reads=[],
    rooms=["candles"],
    blocks=["universe", "source", "candles"],
    checks=[
        Check("candle_continuity", "Every bar of the day is there, or is there as a bar marked missing."),
        Check("candle_sanity", "Few rows are in quarantine and no price jumps beyond belief."),
    ],
    retry=NETWORK_RETRY,
    reads_outside=True,
)
def ohlcv(inputs: Inputs, night: Night) -> Outcome:
    """Closed candles of the UTC day from the candle source, one row per symbol and bar.

    A minute without a candle is a row marked `missing`, never an invented price; a bad row lies unchanged in
    the partition's table `quarantine` with its reason.
    """
    universe, source = night.settings.universe, night.outside.candle_source
    source.check_symbols(universe.symbols)
    raw = {}
    for done, symbol in enumerate(universe.symbols):
        night.progress(done / len(universe.symbols), symbol)
        raw[symbol] = source.fetch_day(symbol, night.day)
    day = assemble_day(raw, night.day, night.timeframe)
    return Outcome(
        tables={"data": day.ohlcv, "quarantine": day.quarantine},
        verdicts=judge_candles(day, night.timeframe, night.settings.candles),
        metadata={"source": source.identity.name, "quarantined_rows": day.quarantine.num_rows},
        is_simulated=source.identity.is_simulated,
        source=source.identity.label,
    )
