"""The asset `feature_importance`: what the confidence model looks at."""

from huracan.models.config import Unfit
from huracan.models.importance import feature_importance as rank_features
from huracan.models.importance_columns import IMPORTANCE_COLUMNS
from huracan.tables import Table
from huracan_assets import shown
from huracan_assets.inputs.named_features import named_trades_until
from huracan_assets.inputs.past_trades import BOTH_BOOKS, confidence_of
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import Outcome, StageContext, stage

EARLIER = Read(
    "feature_importance", key="earlier", days=13, ends=-1, edge=False, is_record=True, may_lack_days=True
)
"""With the night's own a fortnight."""


@stage(
    job=TRADE,
    kinds={"postgres"},
    reads=[*BOTH_BOOKS, Read("confidence_model"), EARLIER],
    tables={"data": Table(IMPORTANCE_COLUMNS, in_database=True)},
    settings=["models", "market.rules.maximum_holding"],
)
def feature_importance(inputs: Inputs, context: StageContext) -> Outcome:
    """What the confidence model looks at: its gain, what shuffling a feature costs out of time, what it adds
    in wins and in losses, how that moved over nights, and whether the feature drifted."""
    model = confidence_of(inputs, context)
    if isinstance(model, Unfit):
        return Outcome(note=f"No confidence model of {context.day} to explain: {model.reason}")
    past, settings = named_trades_until(inputs, context).past, context.settings
    holding, earlier = settings.market.rules.maximum_holding, inputs.tables_by_day("earlier")
    table = rank_features(past, model, settings.models, holding, context.day, earlier)
    return Outcome(tables={"data": table}, metadata={"most_important": shown.top_rows(table, 15)})
