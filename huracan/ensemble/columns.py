"""What the tables of the ensemble say."""

from huracan.candles.schema import SYMBOL
from huracan.market.ledger import TRADES_COLUMNS
from huracan.tables import DATE, FLOAT, INTEGER, TEXT, Column, arrow_schema, chosen

COMBINED = "combined"
"""All members together, where a member's name would stand."""

_MEMBER = Column(
    "member", TEXT, "seed_0 and on (by its place in the night), confidence, pattern_evidence or regime_prior"
)
SIGNALS_COLUMNS = (
    *chosen(TRADES_COLUMNS, "trade_id"),
    SYMBOL,
    *chosen(TRADES_COLUMNS, "signal_time"),
    Column("book", TEXT, "policy or explored"),
    Column("night", DATE, "whose models and patterns were in force", "UTC day"),
    Column("member", TEXT, f"{_MEMBER.meaning}; combined is all of them together"),
    Column(
        "said",
        FLOAT,
        "of a seed the probability of entering on this side against waiting, before past signals tell what it"
        " means; null of other members",
        "0 to 1",
    ),
    Column("probability", FLOAT, "that the signal ends above 0 net of costs; null where it sleeps", "0 to 1"),
    Column("weight", FLOAT, "what the member counted for among those awake; null where it slept", "0 to 1"),
    Column(
        "disagreement",
        FLOAT,
        "standard deviation of the probabilities of those awake, by their weights: how unsure the combined"
        " one is; null of a member",
        "0 to 1",
    ),
    Column("signal_weight", FLOAT, "what the signal counts for; of the policy's own 1", "0 to 1"),
    Column(
        "forecaster",
        INTEGER,
        "which of those that signals are shared out among was asked, 0 for the first; null where none was",
    ),
)
SIGNALS_SCHEMA = arrow_schema(SIGNALS_COLUMNS)
"""One row per signal of the day that became a trade and member, and one of all together."""

WEIGHTS_COLUMNS = (
    _MEMBER,
    Column("weight", FLOAT, "what it counts for among all members, at the night's end", "0 to 1"),
    Column("signals", INTEGER, "ended signals at which it was awake, since the history began"),
    Column("signals_weight", FLOAT, "what they count for, summed"),
    Column("loss", FLOAT, "its squared error on them, by what each counts for, summed"),
    Column("ensemble_loss", FLOAT, "that of all together on the same signals"),
    Column("regret", FLOAT, "ensemble_loss less loss: above 0 the member was better"),
    Column("bound", FLOAT, "what regret cannot exceed, whatever the outcomes are"),
    Column("best_member", TEXT, "the member whose regret is the greatest"),
    Column("forecasters", INTEGER, "among whom signals are shared out: as many as were open at once"),
)
WEIGHTS_SCHEMA = arrow_schema(WEIGHTS_COLUMNS)
"""One row per member that was ever awake at a signal that has ended."""
