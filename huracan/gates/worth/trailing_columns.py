"""What the table of trailing worth says; `trailing` fills it."""

from huracan.tables import FLOAT, INTEGER, TEXT, Column, arrow_schema

WINDOWS = (1, 7, 30)
"""Trailing nights of each row; as many nights before them tell what changed."""
NIGHTS_READ = 2 * WINDOWS[-1]
PASSES, REFUSES, ABSTAINS = "passes", "refuses", "abstains"
"""What a gate that always says the same does."""

TRAILING_COLUMNS = (
    Column("book", TEXT, "whose signals: policy or explored"),
    Column("gate", TEXT, "name of the gate, or combined: all together"),
    Column("nights", INTEGER, "trailing nights, this one included: 1, 7 or 30"),
    Column("mode", TEXT, "how it was asked last: advisory or binding"),
    Column("nights_held", INTEGER, "of them, those with signals that it judged"),
    Column("judged", INTEGER, "signals that were traded and shown to it"),
    Column("effective_judged", FLOAT, "as many of equal weight say as much (Kish)"),
    Column("passed", INTEGER, "signals that it let pass, resized ones included"),
    Column("blocked", INTEGER, "signals that it would have refused"),
    Column("abstained", INTEGER, "signals that it had no ground to judge"),
    Column("resized", INTEGER, "passed signals whose size it would have changed"),
    Column("left", INTEGER, "passed signals whose position it would have left"),
    Column(
        "always",
        TEXT,
        "passes or refuses where it said nothing else, abstains where it said neither; else null",
    ),
    Column("pass_rate", FLOAT, "weighted share passed, of passed and blocked; null without any", "0 to 1"),
    Column("pass_rate_before", FLOAT, "the same of as many nights before; null likewise", "0 to 1"),
    Column(
        "pass_rate_change", FLOAT, "pass_rate less that of before: its drift; null where either is", "-1 to 1"
    ),
    Column("refused_winners", INTEGER, "blocked trades that made money"),
    Column("refused_losers", INTEGER, "blocked trades that lost"),
    Column(
        "precision",
        FLOAT,
        "weighted share of what it refused or made smaller that lost, of what it enlarged that won, and of"
        " what it left that made less by going on; null without any",
        "0 to 1",
    ),
    Column("loser_share", FLOAT, "weighted share of all judged that lost: the precision of chance", "0 to 1"),
    Column("saved_bps", FLOAT, "worth: net saved per judged signal by this gate alone; below 0: cost", "bps"),
    Column(
        "saved_low_bps",
        FLOAT,
        "lower end of its interval of 95 %, by a stationary bootstrap of days; null with fewer than 5",
        "bps",
    ),
    Column("saved_high_bps", FLOAT, "upper end; null likewise", "bps"),
    Column("saved_by_all_bps", FLOAT, "net saved per signal of the book by all gates together", "bps"),
    Column(
        "saved_last_bps",
        FLOAT,
        "what all save less what all the others save, per signal: lost if it is taken out; null of combined",
        "bps",
    ),
    Column(
        "shapley_bps",
        FLOAT,
        "its share of what all save, over all orders of adding gates, per signal; null of combined",
        "bps",
    ),
    Column("overlapping_gate", TEXT, "whose refusals are most like its own; null where none shares any"),
    Column("overlap", FLOAT, "refused by both over refused by either (Jaccard); null likewise", "0 to 1"),
    Column(
        "harm_evidence",
        FLOAT,
        "of who bets on all that it touched since betting began: 20 is ever reached by chance in 5 % at most",
    ),
    Column("harm_nights", INTEGER, "nights since betting began"),
)
TRAILING_SCHEMA = arrow_schema(TRAILING_COLUMNS)
"""One row per book, gate and window of which a signal was judged."""
