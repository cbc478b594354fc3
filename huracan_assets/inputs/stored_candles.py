"""What the lake has of a day's candles already, for a day that is fetched again."""

import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.fetch import Stored
from huracan.candles.last_closes import last_closes_from
from huracan.candles.schema import OHLCV_SCHEMA, day_end
from huracan.errors import InputRefused
from huracan_assets.reads import Inputs
from huracan_assets.stage import StageContext
from huracan_resources.lake.lake import Lake

FORMER = "former"
LAST_CLOSES = "last_closes"


def stored_candles(inputs: Inputs, context: StageContext, source: str) -> Stored:
    """The day's partition, as far as it can be read and comes from `source`, and the symbols known before.

    Where a token swap was declared since, the units of what is stored are not those of now: then a symbol of
    which it was declared has nothing that could be kept.
    """
    known = set(last_closes_from(closes_before(inputs)))
    lake, limits = context.resources.lake, context.settings.candles
    manifest = lake.manifest("ohlcv", context.day)
    if manifest is None or manifest.source != source:
        return Stored(None, known)
    tables = []
    for name in ("data", FORMER):
        if f"{name}.parquet" in manifest.files:
            try:
                tables.append(lake.read_manifests([manifest], OHLCV_SCHEMA.names, name))
            except InputRefused:
                continue
    if not tables:
        return Stored(None, known)
    candles = pa.concat_tables(tables)
    if manifest.configuration_digest != context.configuration_digest:
        end = day_end(context.day)
        swapped = [each.symbol for each in limits.redenominations if each.moment < end]
        candles = candles.filter(pc.invert(pc.is_in(candles["symbol"], pa.array(swapped, pa.string()))))
    return Stored(candles, known | set(candles["symbol"].unique().to_pylist()))


def stored_symbols(lake: Lake) -> set[str]:
    """The symbols that the newest day of candles knew."""
    days = lake.days("ohlcv")
    manifest = lake.manifest("ohlcv", days[-1]) if days else None
    if manifest is None or f"{LAST_CLOSES}.parquet" not in manifest.files:
        return set()
    return set(last_closes_from(lake.read_manifests([manifest], None, LAST_CLOSES)))


def closes_before(inputs: Inputs) -> pa.Table | None:
    """The last known closes at the end of the day before; None on the first day, and after a day that is
    missing or was refused."""
    return inputs.table("before", LAST_CLOSES) if inputs.has("before", f"{LAST_CLOSES}.parquet") else None


def set_aside_before(inputs: Inputs) -> dict[str, str]:
    """Symbol -> cause, of those that were set aside the day before."""
    if not inputs.has("before", "set_aside.parquet"):
        return {}
    table = inputs.table("before", "set_aside")
    return dict(zip(table["symbol"].to_pylist(), table["cause"].to_pylist(), strict=True))
