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
from huracan_assets.inputs.named_features import newest_names
from huracan_assets.inputs.windows import trailing_days
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import StageContext
from huracan_resources.settings.settings import Settings

TRAILING_TRADES = Read("shadow_trades", days=trailing_days, is_record=True)


def confidence_of(inputs: Inputs, context: StageContext) -> ConfidenceModel | Unfit:
    """The confidence model among the inputs, or why there is none that can read the newest trades."""
    content = inputs.file("confidence_model", MODEL_FILE)
    if content is None:
        return _absent(inputs, "confidence_model", context)
    model, names = ConfidenceModel.from_bytes(content), newest_names(inputs, context)
    if isinstance(names, Unnamed):
        return Unfit(f"No confidence model can read the trades: {names.why}", 0)
    if model.feature_names != names:
        return Unfit("The confidence model was fitted on other entry features than those of the trades.", 0)
    return model


def meta_label_of(inputs: Inputs, context: StageContext) -> MetaLabelModel | Unfit:
    """The meta-label model among the inputs, or why there is none."""
    model = inputs.file("meta_label_model", MODEL_FILE)
    return MetaLabelModel.from_bytes(model) if model else _absent(inputs, "meta_label_model", context)


def trades_until(inputs: Inputs, day: date, settings: Settings, name: str = "shadow_trades") -> pa.Table:
    """The trades of the trailing days that were closed by `day` 24:00; no rows on the first nights."""
    if not inputs.has(name):
        return TRADES_SCHEMA.empty_table()
    return trailing_trades(inputs.table(name), day, settings.models.trailing_days)


def _absent(inputs: Inputs, name: str, context: StageContext) -> Unfit:
    manifest = inputs.last(name)
    return Unfit(manifest.note if manifest else f"No {name} was fitted before {context.day}.", 0)
