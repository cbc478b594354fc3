"""The market as the policy meets it: candles, features, regimes, and what the pattern libraries knew.

Training, the shadow ledger and the verdict on a brain build it here, so that they see the same.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from huracan.analysis.patterns.context import KnownPatterns, with_pattern_context
from huracan.analysis.patterns.nearest import NamedPatterns
from huracan.candles.market_info import MARKET_INFO_FILE, MarketInfo, market_infos_from_json
from huracan.durations import minute_of_day, minutes_of
from huracan.market.block import MarketBlock
from huracan_assets.inputs.file_names import EMBEDDING_FILE
from huracan_assets.inputs.recipes import recipe_for
from huracan_assets.inputs.remembered import statistics_from
from huracan_assets.reads import Inputs, Read
from huracan_resources.settings.settings import Settings

if TYPE_CHECKING:
    from huracan.market.block_tables import Trailing


def pattern_libraries(days: int | Callable[[Settings], int]) -> Read:
    """The libraries that the bars of `days` days are compared with: a day with that of the day before, and up
    to the handover with the one before that.

    Without an edge: a library comes from trades, trades from a policy, and a policy from earlier libraries.
    """

    def one_more(settings: Settings) -> int:
        return 1 + (days(settings) if callable(days) else days)

    return Read(
        "pattern_library",
        key="patterns",
        days=one_more,
        ends=-1,
        edge=False,
        is_record=True,
        may_lack_days=True,
    )


def market_block(inputs: Inputs, settings: Settings) -> MarketBlock:
    """Of the days whose regimes are among the inputs. Candles of days before them (`lead_candle_days`) are
    used for what trails their first bars."""
    return _with_patterns(_market(inputs, settings), inputs, settings)


def paper_block(inputs: Inputs, settings: Settings) -> MarketBlock:
    """The last day of the inputs, led by the last decision bar of the day before where that is among them: at
    its close the day's first decision is made."""
    return _with_patterns(_last_day_with_lead(_market(inputs, settings)), inputs, settings)


def _last_day_with_lead(block: MarketBlock) -> MarketBlock:
    first = int(block.day_first[-1])
    return block.slice(first - block.decision_bars if first else 0, block.bar_count - 1)


def _market(inputs: Inputs, settings: Settings) -> MarketBlock:
    # Compiled: definitions must load fast.
    from huracan.market.block_audit import audited_days, check_block
    from huracan.market.block_tables import REGIME_COLUMNS, build_market_block

    days = {manifest.day for manifest in inputs.manifests("regimes") if "data.parquet" in manifest.files}
    candles = inputs.tables_by_day("ohlcv")
    block = build_market_block(
        pa.concat_tables([table for day, table in candles.items() if day in days], promote_options="default"),
        (inputs.of_day("features", day) for day in sorted(days)),
        inputs.table("regimes", columns=REGIME_COLUMNS),
        recipe_for(settings).names,
        market_infos={day: _costs(inputs, "market_costs", day) for day in days},
        trailing=_trailing(min(days), candles.get, settings),
    )
    for day in audited_days(sorted(days)):
        features, regimes = (inputs.of_day(name, day) for name in ("features", "regimes"))
        check_block(block, day, candles[day], features, regimes)
    return block


def _with_patterns(block: MarketBlock, inputs: Inputs, settings: Settings) -> MarketBlock:
    contents, recipe = inputs.files_by_day("patterns", EMBEDDING_FILE), recipe_for(settings).digest
    spaces = {day: statistics_from(content) for day, content in contents.items()}
    # Bars of another length have columns of the same names: only the recipe tells them apart.
    known = {
        day: KnownPatterns.of(library, spaces[day])
        for day, library in inputs.tables_by_day("patterns").items()
        if day in spaces and spaces[day].recipe == recipe
    }
    return with_pattern_context(block, known, minute_of_day(settings.market.handover))


def priced_block(
    inputs: Inputs, settings: Settings, day: date, lead: str = "", days_before: int = 0
) -> MarketBlock:
    """The market of `day` without features: all that fills, masks and regimes need, and no policy can look
    at; and of as many of the `days_before` before it as are there, in a row and with the same symbols.

    From the reads `ohlcv`, `market_costs`, `features` and `regimes`, their names led by `lead`.
    `InputRefused` where one of them lacks the day; candles of days before are used where they are there, as
    in `market_block`.
    """
    from huracan.market.block_tables import build_market_block

    days = [day]
    while len(days) <= days_before and _goes_on(inputs, days[0], lead):
        days.insert(0, days[0] - timedelta(days=1))
    candles = f"{lead}ohlcv"
    return build_market_block(
        _of_days(inputs, candles, days),
        _of_days(inputs, f"{lead}features", days, ["symbol", "open_time", "is_ready"]),
        _of_days(inputs, f"{lead}regimes", days),
        (),
        market_infos={each: _costs(inputs, f"{lead}market_costs", each) for each in days},
        trailing=_trailing(
            days[0],
            lambda each: inputs.of_day(candles, each) if inputs.holds(candles, each) else None,
            settings,
        ),
    )


def priced_paper_block(inputs: Inputs, settings: Settings, day: date, lead: str = "") -> MarketBlock:
    """The bars of `paper_block` without features."""
    return _last_day_with_lead(priced_block(inputs, settings, day, lead, days_before=1))


def _trailing(first: date, candles_of: Callable[[date], pa.Table | None], settings: Settings) -> "Trailing":
    """The candles of the days in a row before `first`, as far as they are there with the same symbols and
    bars, and how far volatility looks back into them."""
    from huracan.market.block_tables import Trailing

    own, found = candles_of(first), list[pa.Table]()
    day = first - timedelta(days=1)
    while own is not None and (each := candles_of(day)) is not None and _is_alike(each, own):
        found.insert(0, each)
        day -= timedelta(days=1)
    candles = pa.concat_tables(found, promote_options="default") if found else None
    return Trailing(candles, minutes_of(settings.market.rules.volatility_horizon))


def _is_alike(one: pa.Table, other: pa.Table) -> bool:
    return bool(one["symbol"].equals(other["symbol"]))


def _costs(inputs: Inputs, name: str, day: date) -> dict[str, MarketInfo]:
    """What an order met on `day`; `InputRefused` where that is not there: no default stands in for it."""
    return market_infos_from_json(inputs.file_of_day(name, day, MARKET_INFO_FILE))


def _of_days(
    inputs: Inputs, name: str, days: Sequence[date], columns: Sequence[str] | None = None
) -> pa.Table:
    tables = [inputs.of_day(name, day, columns) for day in days]
    return pa.concat_tables(tables, promote_options="default")


def _goes_on(inputs: Inputs, day: date, lead: str) -> bool:
    """Whether the day before holds the same symbols, on bars of the same length."""
    before = day - timedelta(days=1)
    tables = all(inputs.holds(f"{lead}{name}", before) for name in ("ohlcv", "features", "regimes"))
    if not tables or not inputs.holds(f"{lead}market_costs", before, MARKET_INFO_FILE):
        return False
    first, second = (
        inputs.of_day(f"{lead}regimes", each, ["symbol"]).group_by("symbol").aggregate([([], "count_all")])
        for each in (before, day)
    )
    return bool(first.sort_by("symbol").equals(second.sort_by("symbol")))


def named_patterns(inputs: Inputs, night: date, settings: Settings) -> NamedPatterns | None:
    """The library of a night, to name the patterns that entries resemble while it is in force; None where
    there is none, or one of another recipe than that of the settings."""
    if not inputs.holds("patterns", night):
        return None
    content = inputs.file_of_day("patterns", night, EMBEDDING_FILE)
    statistics = None if content is None else statistics_from(content)
    if statistics is None or statistics.recipe != recipe_for(settings).digest:
        return None
    return NamedPatterns.of(inputs.of_day("patterns", night), statistics)
