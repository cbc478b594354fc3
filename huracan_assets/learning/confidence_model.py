"""The asset `confidence_model`: how likely a signal is to end as a winning trade."""

from huracan.models.confidence import fit_confidence_model
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
def confidence_model(inputs: Inputs, context: StageContext) -> Outcome:
    """How likely a signal is to end as a winning trade, net of costs: boosted trees on past trades."""
    named = named_trades_until(inputs, context)
    settings = context.settings
    model = fit_confidence_model(
        named.past, named.feature_names, settings.models, settings.market.rules.maximum_holding
    )
    return fitted(model, named.left_out)
