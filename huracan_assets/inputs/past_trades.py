"""The trades of the trailing window, and the models that were fitted on them."""

from datetime import date

import pyarrow as pa

from huracan.market.ledger import TRADES_SCHEMA
from huracan.models.confidence import ConfidenceModel
from huracan.models.config import Unfit
from huracan.models.meta_label import MetaLabelModel
from huracan.models.window import trailing_trades
from huracan_assets.inputs.file_names import MODEL_FILE
from huracan_assets.inputs.windows import trailing_days
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import StageContext
from huracan_resources.settings.settings import Settings

TRAILING_TRADES = Read("shadow_trades", days=trailing_days, is_record=True)


def confidence_of(inputs: Inputs, context: StageContext) -> ConfidenceModel | Unfit:
    """The confidence model among the inputs, or why there is none."""
    model = inputs.file("confidence_model", MODEL_FILE)
    return ConfidenceModel.from_bytes(model) if model else _absent(inputs, "confidence_model", context)


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
