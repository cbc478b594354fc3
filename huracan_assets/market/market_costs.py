"""The asset `market_costs`: what an order of the day meets in each market."""

from huracan.candles.last_closes import last_closes_from
from huracan.candles.market_info import (
    MARKET_INFO_FILE,
    MarketInfo,
    market_infos_from_json,
    market_infos_to_json,
)
from huracan.candles.redenominations import info_in_units_of_before
from huracan.candles.spread import TRAILING_DAYS, with_half_spreads
from huracan_assets.inputs.stored_candles import LAST_CLOSES, SPREADS, closes_before
from huracan_assets.jobs import MARKET
from huracan_assets.reads import Inputs, Read
from huracan_assets.shown import Rows, in_words
from huracan_assets.stage import Outcome, StageContext, stage


@stage(
    job=MARKET,
    kinds={"json"},
    reads=[
        Read("ohlcv"),
        Read("ohlcv", key="before", ends=-1, edge=False, newest=LAST_CLOSES),
        Read(
            "ohlcv", key=SPREADS, days=max(TRAILING_DAYS), ends=-1, edge=False, table=SPREADS,
            may_lack_days=True,
        ),
    ],
    settings=["universe.markets", "candles.redenominations"],
)  # fmt: skip
def market_costs(inputs: Inputs, context: StageContext) -> Outcome:
    """Kind, fees, half-spread, borrow rate, steps and least order of each market, in `market_info.json`.

    Of each is taken what the settings say, else what the source said with the day's candles, else the default
    of the kind; the half-spread by the bars of up to 28 days before, never by those of the day. All that
    prices the day reads it here. Other candles of a day change what the four weeks after it cost, and nothing
    that they are made of.
    """
    universe, declared = context.settings.universe, context.settings.candles.redenominations
    told = market_infos_from_json(inputs.file("ohlcv", MARKET_INFO_FILE))
    infos = [
        info_in_units_of_before(universe.market(symbol), declared).completed_by(info)
        for symbol, info in told.items()
    ]
    spreads, closes = inputs.tables(SPREADS, SPREADS), last_closes_from(closes_before(inputs))
    markets = with_half_spreads(infos, spreads, closes)
    return Outcome(
        files={MARKET_INFO_FILE: market_infos_to_json(markets)},
        metadata={"markets": Rows([_shown(each) for each in markets])},
    )


def _shown(market: MarketInfo) -> dict[str, object]:
    """What every market has, in the words of the page."""
    names = ("symbol", "kind", "taker_fee_bps", "maker_fee_bps", "half_spread_bps")
    return {in_words(name): getattr(market, name) for name in names}
