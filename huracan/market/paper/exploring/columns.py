"""What the tables of the exploration book say; `book` fills them. Nothing compiled here."""

from huracan.candles.schema import SYMBOL
from huracan.market.ledger import TRADES_COLUMNS
from huracan.market.paper.open_columns import OPEN_POSITIONS_COLUMNS
from huracan.tables import FLAG, FLOAT, INTEGER, TEXT, Column, arrow_schema, chosen

_MOMENT_PROPENSITY = Column(
    "moment_propensity", FLOAT, "probability with which anything was entered at this close", "0 to 1"
)
_PROPENSITY = Column(
    "propensity", FLOAT, "probability with which just this entry was drawn at this close", "0 to 1"
)
DRAWN_COLUMNS = (
    _MOMENT_PROPENSITY,
    _PROPENSITY,
    Column(
        "uniform_density",
        FLOAT,
        "the part of it that went anywhere, where the policy would enter or not",
        "0 to 1",
    ),
    Column(
        "policy_density",
        FLOAT,
        "probability that the policy, softened, gives to just this entry on a flat account; null where nobody"
        " decided",
        "0 to 1",
    ),
    Column("is_policy_entry", FLAG, "the policy itself would have entered on this side"),
)
"""How an entry came to be drawn."""
DRAWN_SCHEMA = arrow_schema((*chosen(TRADES_COLUMNS, "trade_id"), *DRAWN_COLUMNS))

MOMENTS_COLUMNS = (
    SYMBOL,
    *chosen(TRADES_COLUMNS, "signal_time", "regime", "entry_volatility_bps"),
    Column("hour", INTEGER, "of the UTC day at which was decided"),
    Column(
        "volatility_rank", INTEGER, "third of the symbol's volatilities on the days before: 0 calm to 2 wild"
    ),
    Column(
        "entry_probability",
        FLOAT,
        "that the policy, softened, enters on a flat account; null where nobody decided",
        "0 to 1",
    ),
    Column("policy_action", TEXT, "the entry that the policy itself would have made; null where none"),
    _MOMENT_PROPENSITY,
    Column("action", TEXT, "the entry that was drawn; null, like what follows, where none was"),
    _PROPENSITY,
    Column("trade_id", TEXT, "of the explored trade that came of it, where its order was filled"),
)
MOMENTS_SCHEMA = arrow_schema(MOMENTS_COLUMNS)
"""One row per close of a decision bar of the day at which an entry could have been drawn, whether or not one
was: what any other rule of entering would have met."""

EXPLORED_COLUMNS = (*TRADES_COLUMNS, *DRAWN_COLUMNS)
EXPLORED_SCHEMA = arrow_schema(EXPLORED_COLUMNS)
"""One row per explored trade that closed on the day, each on an account of its own."""

EXPLORED_OPEN_COLUMNS = (*OPEN_POSITIONS_COLUMNS, *DRAWN_COLUMNS)
EXPLORED_OPEN_SCHEMA = arrow_schema(EXPLORED_OPEN_COLUMNS)
"""One row per explored position that is open at the day's end."""
