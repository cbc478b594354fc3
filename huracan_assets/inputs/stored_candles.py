"""What the lake has of a day's candles already, for a day that is fetched again, and of the day before."""

import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.fetch import Stored
from huracan.candles.last_closes import last_closes_from
from huracan.candles.redenominations import (
    REDENOMINATIONS_FILE,
    as_the_source_said,
    redenominations_from_json,
)
from huracan.candles.schema import FLAT, OHLCV_SCHEMA, RAW_SCHEMA, TRADED
from huracan.candles.symbol_day import SET_ASIDE
from huracan.errors import InputRefused
from huracan_assets.reads import Inputs
from huracan_assets.stage import StageContext
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.manifest import Manifest

LAST_CLOSES = "last_closes"
HOURLY = "hourly"
SPREADS = "spreads"

UNIVERSE_OF_CANDLES = ("universe.symbols", "universe.timeframe", "universe.membership")
"""The settings of the universe that decide candles: what is said of its markets, only `market_costs` asks."""


def stored_candles(inputs: Inputs, context: StageContext, source: str) -> Stored:
    """The day's partition as its source said it, as far as it can be read and comes from `source`, and the
    symbols that are known at all. Candles that were set aside are among them."""
    known = set(last_closes_from(closes_before(inputs)))
    lake = context.resources.lake
    manifest = lake.manifest("ohlcv", context.day)
    if manifest is None or manifest.source != source:
        return Stored(symbols=known)
    declared = redenominations_from_json(_file(lake, manifest, REDENOMINATIONS_FILE))
    found = pa.concat_tables(
        [
            as_the_source_said(_table(lake, manifest, "data"), declared),
            _table(lake, manifest, "former"),
            _as_candles(_table(lake, manifest, "quarantine")),
        ]
    )
    candles = found.filter(pc.field("status").isin([TRADED, FLAT]))
    return Stored(candles, known | set(candles["symbol"].unique().to_pylist()))


def _table(lake: Lake, manifest: Manifest, name: str) -> pa.Table:
    """One table of the partition; empty where it is not there or cannot be read."""
    empty = OHLCV_SCHEMA.empty_table()
    if f"{name}.parquet" not in manifest.files:
        return empty
    try:
        table = lake.read_manifests([manifest], None, name)
    except InputRefused:
        return empty
    return table if name == "quarantine" else table.select(OHLCV_SCHEMA.names)


def _file(lake: Lake, manifest: Manifest, name: str) -> bytes | None:
    return lake.read_file(manifest.asset, manifest.day, name) if name in manifest.files else None


def _as_candles(quarantine: pa.Table) -> pa.Table:
    """The rows of a quarantine that were good but of a symbol that was set aside."""
    if "reason" not in quarantine.column_names:
        return OHLCV_SCHEMA.empty_table()
    rows = quarantine.filter(pc.starts_with(quarantine["reason"], SET_ASIDE))
    status = pa.array([TRADED] * rows.num_rows, pa.string())
    columns = {"status": status, "close_time": rows["open_time"]} | {
        name: rows[name] for name in ("symbol", *RAW_SCHEMA.names, "funding_rate")
    }
    return pa.table([columns[name] for name in OHLCV_SCHEMA.names], schema=OHLCV_SCHEMA)


def stored_symbols(lake: Lake) -> set[str]:
    """The symbols that the newest day of candles knew."""
    for day in reversed(lake.days("ohlcv")):
        manifest = lake.manifest("ohlcv", day)
        if manifest is not None and f"{LAST_CLOSES}.parquet" in manifest.files:
            return set(last_closes_from(lake.read_manifests([manifest], None, LAST_CLOSES)))
    return set()


def closes_before(inputs: Inputs) -> pa.Table | None:
    """The last known closes as the newest earlier day left them; None where there is none."""
    return inputs.table("before", LAST_CLOSES) if inputs.has("before", f"{LAST_CLOSES}.parquet") else None
