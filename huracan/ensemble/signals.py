"""The signals of a day that became trades, of one book, whether or not they have ended."""

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.schema import TIME, day_end, day_start
from huracan.market.ledger import TRADES_COLUMNS
from huracan.market.paper.exploring.columns import DRAWN_COLUMNS
from huracan.models.inputs import REGIME_COLUMNS
from huracan.tables import TEXT, arrow_schema, chosen

_READ = arrow_schema(
    (
        *chosen(TRADES_COLUMNS, "trade_id", "symbol", "side", "signal_time", "estimated_cost_bps"),
        *chosen(TRADES_COLUMNS, "entry_volatility_bps", "regime", *REGIME_COLUMNS, "entry_features"),
        *chosen(TRADES_COLUMNS, "nearest_patterns", "nearest_pattern_cosines"),
        *chosen(DRAWN_COLUMNS, "propensity", "policy_density"),
    )
)
DAY_SIGNALS_SCHEMA = _READ.append(pa.field("book", TEXT))


def signals_of_day(closed: pa.Table | None, held: pa.Table | None, book: str, day: date) -> pa.Table:
    """DAY_SIGNALS_SCHEMA: what was known at those signals of a book that were given on the day: of the trades
    that it `closed` on the day (TRADES_SCHEMA or EXPLORED_SCHEMA), and of the positions `held` at its end
    (OPEN_POSITIONS_SCHEMA or EXPLORED_OPEN_SCHEMA). Densities are null of entries that were not drawn."""
    parts = [] if closed is None else [closed]
    if held is not None:
        names = {"volatility_bps": "entry_volatility_bps"}
        named = held.rename_columns([names.get(name, name) for name in held.column_names])
        parts.append(named.filter(pc.is_valid(named["trade_id"])))
    known = [part.select([name for name in _READ.names if name in part.column_names]) for part in parts]
    every = pa.concat_tables([_READ.empty_table(), *known], promote_options="permissive").cast(_READ)
    signal = every["signal_time"]
    began = pc.greater_equal(signal, pa.scalar(day_start(day), TIME))
    own = every.filter(pc.and_(began, pc.less(signal, pa.scalar(day_end(day), TIME))))
    return own.append_column("book", pa.array([book] * own.num_rows, TEXT))
