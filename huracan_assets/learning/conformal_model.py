"""The asset `conformal_model`: between which results a signal's net will lie."""

from huracan.models.conformal import fit_conformal_model
from huracan_assets.inputs.named_features import named_trades_until
from huracan_assets.inputs.past_trades import BOTH_BOOKS
from huracan_assets.jobs import TRADE
from huracan_assets.learning.fitted import fitted
from huracan_assets.reads import Inputs
from huracan_assets.stage import Outcome, StageContext, stage


@stage(
    job=TRADE,
    kinds={"lightgbm"},
    reads=[*BOTH_BOOKS],
    settings=["models", "market.rules.maximum_holding"],
)
def conformal_model(inputs: Inputs, context: StageContext) -> Outcome:
    """Between which results a signal's net of costs will lie nine times of ten, and its mean: quantiles of
    past trades, widened by what they missed of later ones."""
    named = named_trades_until(inputs, context)
    settings = context.settings
    model = fit_conformal_model(
        named.past, named.feature_names, settings.models, settings.market.rules.maximum_holding
    )
    return fitted(model, named.left_out)
