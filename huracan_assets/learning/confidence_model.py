"""The asset `confidence_model`: how likely a signal is to end as a winning trade."""

from huracan.features.recipe import RECIPE
from huracan.models.confidence import fit_confidence_model
from huracan_assets.inputs.past_trades import TRAILING_TRADES, trades_until
from huracan_assets.jobs import TRADE
from huracan_assets.learning.fitted import fitted
from huracan_assets.reads import Inputs
from huracan_assets.stage import Outcome, StageContext, stage


@stage(
    job=TRADE,
    kinds={"lightgbm"},
    reads=[TRAILING_TRADES],
    settings=["models"],
)
def confidence_model(inputs: Inputs, context: StageContext) -> Outcome:
    """How likely a signal is to end as a winning trade, net of costs: boosted trees on past trades."""
    trades = trades_until(inputs, context.day, context.settings)
    return fitted(fit_confidence_model(trades, RECIPE.names, context.settings.models))
