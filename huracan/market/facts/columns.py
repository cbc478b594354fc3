"""What the table of market facts says of a signal; `signal_facts` fills it. Nothing is computed here."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.errors import InvalidInput
from huracan.market.ledger import TRADE_ID
from huracan.tables import FLAG, FLOAT, Column, arrow_schema

SHORT_BARS, LONG_BARS = 10, 60
"""Stored bars, the last ones that had closed at the signal, that "short" and "long" below are of."""
BUCKETS = 10

_SHORT, _LONG = f"the last {SHORT_BARS} bars", f"the last {LONG_BARS} bars"

FACTS_COLUMNS = (
    TRADE_ID,
    Column("bar_minutes", FLOAT, "length of a stored bar", "minutes"),
    Column("untraded_share", FLOAT, f"of {_LONG} those without a trade, or with one price alone", "0 to 1"),
    Column(
        "half_spread_bps",
        FLOAT,
        f"half-spread by the bounce of {_LONG} (Abdi and Ranaldo 2017); 0 where they do not bounce",
        "bps",
    ),
    Column(
        "illiquidity_bps",
        FLOAT,
        f"move of a bar for every million USD traded in it, mean of {_LONG} (Amihud 2002)",
        "bps",
    ),
    Column(
        "imbalance",
        FLOAT,
        f"bought less sold by takers, of the volume of {_SHORT}; above 0: buyers took",
        "-1 to 1",
    ),
    Column("earlier_imbalance", FLOAT, f"the same of the {SHORT_BARS} bars before them", "-1 to 1"),
    Column(
        "toxicity",
        FLOAT,
        f"one-sidedness of the flow: mean absolute imbalance of {BUCKETS} buckets of equal volume, made of"
        f" {_LONG} (VPIN, Easley, Lopez de Prado and O'Hara 2012)",
        "0 to 1",
    ),
    Column(
        "is_flow_estimated",
        FLAG,
        "the source does not say who took: buyers and sellers are told apart by the moves of prices (bulk"
        " volume classification)",
    ),
    Column("activity", FLOAT, f"mean volume of {_SHORT}, over that of {_LONG}"),
    Column("compression", FLOAT, f"deviation of returns of {_SHORT}, over that of {_LONG}"),
    Column("last_move", FLOAT, "return of the last bar", "one-bar volatilities"),
    Column("short_move", FLOAT, f"return over {_SHORT}, of a random walk", "standard deviations"),
    Column("long_move", FLOAT, f"return over {_LONG}, of a random walk", "standard deviations"),
    Column(
        "buy_fill_chance",
        FLOAT,
        f"of {_LONG} those that traded below their open, where a resting buy is filled",
        "0 to 1",
    ),
    Column("sell_fill_chance", FLOAT, "those that traded above it, where a resting sale is filled", "0 to 1"),
    Column(
        "buy_fill_drift_bps",
        FLOAT,
        "from open to close, mean of the bars that fill a resting buy less that of all: what being filled"
        " says of the price",
        "bps",
    ),
    Column(
        "sell_fill_drift_bps",
        FLOAT,
        "the same of a resting sale, in its favour: below 0 where the price rises on",
        "bps",
    ),
)
FACTS_SCHEMA = arrow_schema(FACTS_COLUMNS)
"""One row per signal. A fact is null where fewer than 20 of the bars were traded, but for `bar_minutes` and
`untraded_share`, which are null only where there is no bar."""

FACT_NAMES = tuple(column.name for column in FACTS_COLUMNS[1:])
BRIEF = ("imbalance", "activity", "short_move", "long_move")
"""What is measured at every close at which a position is open."""
BRIEF_COLUMNS = tuple(column for column in FACTS_COLUMNS if column.name in BRIEF)
BRIEF_SCHEMA = arrow_schema((TRADE_ID, *BRIEF_COLUMNS))


def facts_of(stored: pa.Table, trade_ids: pa.ChunkedArray) -> pa.Table:
    """FACTS_SCHEMA, one row for each of `trade_ids` in their order, from `stored` rows of any order.

    Facts of a trade that none are stored of are null. A trade that is stored twice has the later row.
    """
    rows = {trade: row for row, trade in enumerate(stored["trade_id"].to_pylist())}
    taken = pa.array([rows.get(trade) for trade in trade_ids.to_pylist()], pa.int64())
    found = stored.select(FACT_NAMES).take(taken)
    return pa.table([trade_ids, *found.columns], schema=FACTS_SCHEMA)


def fact(table: pa.Table, name: str) -> NDArray[np.float64]:
    """[n] one fact of signals that have them as columns, NaN where it is not known.

    InvalidInput where they have no facts at all.
    """
    if name not in table.column_names:
        raise InvalidInput(
            f"The signals lack the market fact {name!r}.", "Join them with the facts of `signal_facts`."
        )
    values = pc.fill_null(pc.cast(table[name], pa.float64()), float("nan"))
    return np.asarray(values.to_numpy(), dtype=np.float64)
