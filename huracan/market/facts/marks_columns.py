"""What tables say of open positions at closes: what a gate sees of one, and what is kept of past ones."""

from huracan.candles.schema import SYMBOL, TIME
from huracan.market.facts.columns import FACTS_COLUMNS
from huracan.market.ledger import TRADE_ID, TRADES_COLUMNS
from huracan.regimes.model import REGIMES
from huracan.tables import FLOAT, SINGLE, TEXT, Column, arrow_schema, chosen

MOMENT = Column("moment", TIME, "close of the bar at which the position stood so", "UTC")
GAIN = Column("gain", SINGLE, "gross, at that close, of its mean entry", "horizon volatilities")
AGE = Column("age", SINGLE, "since its entry, as a share of the longest holding", "0 to 1")

_POSITION = (
    TRADE_ID,
    SYMBOL,
    MOMENT,
    *chosen(TRADES_COLUMNS, "side"),
    GAIN,
    AGE,
    Column("regime", TEXT, "of the bar: trend, range, high_volatility or panic"),
    *(
        Column(f"probability_{name}", SINGLE, f"that the bar's regime was {name}", "0 to 1")
        for name in REGIMES
    ),
)
POSITIONS_SCHEMA = arrow_schema((*_POSITION, *FACTS_COLUMNS[1:]))
"""What a gate is shown of an open position: one row for each, at a close. `regime` is null, and so are the
probabilities, where they are not known; facts as in FACTS_SCHEMA."""

MARK_FACTS = ("imbalance", "activity", "short_move", "long_move")
MARKS_COLUMNS = (
    TRADE_ID,
    MOMENT,
    GAIN,
    AGE,
    Column(
        "would_net_bps",
        FLOAT,
        "net had it been left at the open after that close, by the cost that was estimated at the signal",
        "bps",
    ),
    Column("remaining_bps", FLOAT, "what going on made: the trade's net less that", "bps"),
    *(column for column in FACTS_COLUMNS if column.name in MARK_FACTS),
)
MARKS_SCHEMA = arrow_schema(MARKS_COLUMNS)
"""One row for each close of a decision bar at which a position was open that is kept: see `marks`."""
