"""The trades of the trailing window, and the models that were fitted on them."""

from datetime import date

import pyarrow as pa

from huracan.features.naming import Unnamed
from huracan.market.ledger import TRADES_SCHEMA
from huracan.models.confidence import ConfidenceModel
from huracan.models.config import Unfit
from huracan.models.meta_label import MetaLabelModel
from huracan.models.window import trailing_trades
from huracan_assets.inputs.file_names import MODEL_FILE
from huracan_assets.inputs.in_force import key_of_night
from huracan_assets.inputs.named_features import newest_names
from huracan_assets.inputs.windows import trailing_days
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import StageContext
from huracan_resources.settings.settings import Settings

TRAILING_TRADES = Read("shadow_trades", days=trailing_days, is_record=True)


def confidence_of(
    inputs: Inputs, context: StageContext, night: date | None = None
) -> ConfidenceModel | Unfit:
    """The confidence model among the inputs, or why there is none that can read the newest trades.

    That of `night` where the inputs are those of `models_in_force`.
    """
    content = _model(inputs, "confidence_model", context, night)
    if isinstance(content, Unfit):
        return content
    model, names = ConfidenceModel.from_bytes(content), newest_names(inputs, context)
    if isinstance(names, Unnamed):
        return Unfit(f"No confidence model can read the trades: {names.why}", 0)
    if model.feature_names != names:
        return Unfit("The confidence model was fitted on other entry features than those of the trades.", 0)
    return model


def meta_label_of(inputs: Inputs, context: StageContext, night: date | None = None) -> MetaLabelModel | Unfit:
    """The meta-label model among the inputs, or why there is none; `night` as in `confidence_of`."""
    content = _model(inputs, "meta_label_model", context, night)
    return content if isinstance(content, Unfit) else MetaLabelModel.from_bytes(content)


def trades_until(inputs: Inputs, day: date, settings: Settings, name: str = "shadow_trades") -> pa.Table:
    """The trades of the trailing days that were closed by `day` 24:00 and signalled so long before that no
    trade of their time was still open; no rows on the first nights."""
    if not inputs.has(name):
        return TRADES_SCHEMA.empty_table()
    holding = settings.market.rules.maximum_holding
    return trailing_trades(inputs.table(name), day, settings.models.trailing_days, holding)


def _model(inputs: Inputs, asset: str, context: StageContext, night: date | None) -> bytes | Unfit:
    """Its file, of the last day of the read or of `night`; Unfit with the reason where there is none."""
    name = key_of_night(asset, context, night)
    found = [each for each in inputs.manifests(name) if night in (None, each.day)]
    content = inputs.file_of_day(name, found[-1].day, MODEL_FILE) if found else None
    if content is not None:
        return content
    before = f"before {context.day}" if night is None else f"on {night}"
    return Unfit(found[-1].note if found else f"No {asset} was fitted {before}.", 0)
