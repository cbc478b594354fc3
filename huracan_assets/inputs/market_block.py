"""The market as the policy meets it: candles, features, regimes, and what the pattern libraries knew.

Training, the shadow ledger and the verdict on a brain build it here, so that they see the same.
"""

from collections.abc import Callable
from datetime import date, timedelta

import pyarrow as pa

from huracan.analysis.patterns.context import KnownPatterns, with_pattern_context
from huracan.analysis.patterns.nearest import NamedPatterns
from huracan.candles.market_info import MARKET_INFO_FILE, market_infos_from_json
from huracan.features.recipe import RECIPE
from huracan.market.block import VOLATILITY_COLUMN, MarketBlock
from huracan.market.block_tables import build_market_block
from huracan_assets.inputs.file_names import EMBEDDING_FILE
from huracan_assets.inputs.remembered import statistics_from
from huracan_assets.reads import Inputs, Read
from huracan_resources.settings.settings import Settings


def pattern_libraries(days: int | Callable[[Settings], int]) -> Read:
    """The libraries that the bars of `days` days are compared with: each day with the one of the day before.

    Without an edge: a library comes from trades, trades from a policy, and a policy from earlier libraries.
    """
    return Read(
        "pattern_library", key="patterns", days=days, ends=-1, edge=False, is_record=True, may_lack_days=True
    )


def market_block(inputs: Inputs) -> MarketBlock:
    """Of the days whose regimes are among the inputs. A further day of candles before them is used for the
    trailing traded value of their first bars."""
    days = {manifest.day for manifest in inputs.manifests("regimes") if "data.parquet" in manifest.files}
    candles = inputs.tables_by_day("ohlcv")
    block = build_market_block(
        pa.concat_tables([table for day, table in candles.items() if day in days], promote_options="default"),
        inputs.each_day("features"),
        inputs.table("regimes"),
        RECIPE.names,
        market_infos={
            day: market_infos_from_json(content)
            for day, content in inputs.files_by_day("ohlcv", MARKET_INFO_FILE).items()
        },
        earlier=candles.get(min(days) - timedelta(days=1)),
    )
    statistics = inputs.files_by_day("patterns", EMBEDDING_FILE)
    known = {
        day: KnownPatterns.of(library, statistics_from(statistics[day]))
        for day, library in inputs.tables_by_day("patterns").items()
        if day in statistics
    }
    return with_pattern_context(block, known)


def priced_block(inputs: Inputs, day: date, lead: str = "") -> MarketBlock:
    """One day's market without features: all that fills, masks and regimes need, and no policy can look at.

    From the reads `ohlcv`, `features` and `regimes`, their names led by `lead`. `InputRefused` where one of
    them lacks the day; candles of the day before are used where they are there, as in `market_block`.
    """
    before = day - timedelta(days=1)
    candles = f"{lead}ohlcv"
    return build_market_block(
        inputs.of_day(candles, day),
        inputs.of_day(f"{lead}features", day, ["symbol", "open_time", "is_ready", VOLATILITY_COLUMN]),
        inputs.of_day(f"{lead}regimes", day),
        (),
        market_infos={day: market_infos_from_json(inputs.file_of_day(candles, day, MARKET_INFO_FILE))},
        earlier=inputs.of_day(candles, before) if inputs.holds(candles, before) else None,
    )


def named_patterns(inputs: Inputs, feature_names: tuple[str, ...]) -> NamedPatterns | None:
    """The library of the day before, to name the patterns that the day's entries resemble; None where it is
    of other features than `feature_names`."""
    content = inputs.file("patterns", EMBEDDING_FILE)
    if content is None or not inputs.has("patterns"):
        return None
    statistics = statistics_from(content)
    if statistics.feature_names != feature_names:
        return None
    return NamedPatterns.of(inputs.table("patterns"), statistics)
