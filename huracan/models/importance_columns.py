"""What the table of importances says; `importance` fills it."""

from huracan.tables import FLAG, FLOAT, INTEGER, TEXT, Column, arrow_schema

_ON_TAIL = "on the out-of-time tail"
IMPORTANCE_COLUMNS = (
    Column("feature", TEXT, "input of the confidence model"),
    Column("gain", FLOAT, "share of the loss that splits on it removed; all inputs sum to 1", "0 to 1"),
    Column(
        "permutation_importance",
        FLOAT,
        f"AUC lost {_ON_TAIL} when it is shuffled; below 0: better without; null where the tail "
        "lacks winners or losers",
    ),
    Column("rank", INTEGER, "1 matters most: by the AUC lost, then by gain"),
    Column(
        "mean_contribution",
        FLOAT,
        f"mean size of what it adds to a trade's log-odds {_ON_TAIL}, whichever way (TreeSHAP)",
        "log-odds",
    ),
    Column("contribution_share", FLOAT, "its part of these sizes; all inputs sum to 1", "0 to 1"),
    Column(
        "contribution_in_wins",
        FLOAT,
        "mean of what it adds where the trade won; null without such",
        "log-odds",
    ),
    Column("contribution_in_losses", FLOAT, "mean of what it adds where the trade lost", "log-odds"),
    Column("up_in_wins", FLOAT, "share of the trades that won in which it spoke for the trade", "0 to 1"),
    Column("up_in_losses", FLOAT, "share of the trades that lost in which it spoke for the trade", "0 to 1"),
    Column(
        "is_misleading",
        FLAG,
        "it spoke for the trade more often where that lost, beyond what chance would do to any input in one"
        " of 20 nights were trades independent; those of near times are not, so it is a hint; null without"
        " wins or losses",
    ),
    Column("nights", INTEGER, "nights that know its contribution_share, this one included, of the last 14"),
    Column(
        "trend_per_night",
        FLOAT,
        "slope of contribution_share over these nights (least squares); null before the third",
    ),
    Column(
        "decay",
        FLOAT,
        "share of its highest contribution_share of these nights that is lost; 0 where this is the highest",
        "0 to 1",
    ),
    Column(
        "drift_psi",
        FLOAT,
        "population stability index from the fitted trades to the tail, in tenths of the fitted ones, and a"
        " class for what is not defined; null where either is empty",
    ),
    Column("drift_trades", FLOAT, "trades of the tail that it rests on, in effective number"),
    Column(
        "drift_psi_by_chance",
        FLOAT,
        "what it exceeds in one of 20 cases where nothing drifted, by the trades on both sides",
    ),
)
IMPORTANCE_SCHEMA = arrow_schema(IMPORTANCE_COLUMNS)
"""One row per input of the confidence model, by rank."""
