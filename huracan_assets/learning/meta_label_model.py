"""The asset `meta_label_model`: whether to take a signal that the policy gave."""

from huracan.models.meta_label import fit_meta_label_model
from huracan_assets.inputs.past_trades import BOTH_BOOKS, past_until
from huracan_assets.jobs import TRADE
from huracan_assets.learning.fitted import fitted
from huracan_assets.reads import Inputs
from huracan_assets.stage import Outcome, StageContext, stage


@stage(
    job=TRADE,
    kinds={"scikitlearn"},
    reads=[*BOTH_BOOKS],
    settings=["models", "market.rules.maximum_holding"],
)
def meta_label_model(inputs: Inputs, context: StageContext) -> Outcome:
    """Whether to take a signal that the policy gave: which barrier it meets first, by a logistic regression
    on the policy's own outputs."""
    settings = context.settings
    past = past_until(inputs, context.day, settings)
    return fitted(fit_meta_label_model(past, settings.models, settings.market.rules.maximum_holding))
