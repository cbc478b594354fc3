"""What the tables of a guarded session say beside those of the ledger: what gates made of orders."""

from huracan.candles.schema import SYMBOL, TIME
from huracan.market.ledger import SESSION_COLUMNS
from huracan.tables import FLOAT, INTEGER, TEXT, Column, arrow_schema

SIZE_FACTOR, ORDER_TYPE = "size_factor", "order_type"
LIMIT, MARKET = "limit", "market"

ORDER_COLUMNS = (
    Column(SIZE_FACTOR, FLOAT, "by which gates multiplied the size of the entry; null where none was sent"),
    Column(
        ORDER_TYPE,
        TEXT,
        "as what gates had the entry sent: limit or market; null where the rules decided, or none was sent",
    ),
)
GUARDED_SESSION_COLUMNS = (*SESSION_COLUMNS, *ORDER_COLUMNS)

INTERVENTIONS_COLUMNS = (
    SYMBOL,
    Column("moment", TIME, "close of the bar at which was decided", "UTC"),
    Column("wanted", TEXT, "what the policy would have done had nothing been forbidden"),
    Column("taken", TEXT, "the action that was taken"),
    *ORDER_COLUMNS,
    Column("forbidden", TEXT, "actions that gates forbade then, by name; null where none"),
    Column("gates", TEXT, "the gates that changed what was done, in their order"),
    Column("abstained", INTEGER, "binding gates without an opinion of the entry"),
    Column("reason", TEXT, "what they said"),
)
INTERVENTIONS_SCHEMA = arrow_schema(INTERVENTIONS_COLUMNS)
"""One row per decision that binding gates changed: an entry refused, resized or sent otherwise, a position
left, another action taken because the policy's own was forbidden."""

BINDING_COLUMNS = (
    SYMBOL,
    Column("trades", INTEGER, "closed on the day, of the policy by itself"),
    Column("gated_trades", INTEGER, "closed on the day, with the gates"),
    Column("result_usd", FLOAT, "change of equity on the day, of the policy by itself", "USD"),
    Column("gated_result_usd", FLOAT, "the same with the gates", "USD"),
    Column("worth_usd", FLOAT, "what binding was worth: their difference", "USD"),
)
BINDING_SCHEMA = arrow_schema(BINDING_COLUMNS)
"""One row per symbol."""
