"""The trades of the trailing window, and the models that were fitted on them."""

from collections.abc import Callable
from datetime import date
from typing import TypeVar

import pyarrow as pa

from huracan.errors import InputRefused
from huracan.features.naming import Unnamed
from huracan.market.ledger import TRADES_SCHEMA
from huracan.models.confidence import ConfidenceModel
from huracan.models.config import Unfit
from huracan.models.conformal import ConformalModel
from huracan.models.meta_label import MetaLabelModel
from huracan.models.past import PastTrades, past_trades
from huracan.models.window import trailing_trades
from huracan_assets.inputs.file_names import MODEL_FILE
from huracan_assets.inputs.in_force import key_of_night
from huracan_assets.inputs.named_features import EXPLORED_LEDGER, LEDGER, newest_names
from huracan_assets.inputs.windows import trailing_days
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import StageContext
from huracan_resources.settings.settings import Settings

TRAILING_TRADES = Read(LEDGER, days=trailing_days, is_record=True)
TRAILING_EXPLORED = Read(EXPLORED_LEDGER, days=trailing_days, is_record=True, may_lack_days=True)
"""A day of the book that is missing, or was judged bad, is left out."""
BOTH_BOOKS = (TRAILING_TRADES, TRAILING_EXPLORED)


def confidence_of(
    inputs: Inputs, context: StageContext, night: date | None = None
) -> ConfidenceModel | Unfit:
    """The confidence model among the inputs, or why there is none that can read the newest trades.

    That of `night` where the inputs are those of `models_in_force`.
    """
    model = _model(inputs, "confidence_model", ConfidenceModel.from_bytes, context, night)
    return _of_newest_names(model, "confidence model", inputs, context)


def conformal_of(inputs: Inputs, context: StageContext, night: date | None = None) -> ConformalModel | Unfit:
    """The conformal model among the inputs, or why there is none, as `confidence_of`."""
    model = _model(inputs, "conformal_model", ConformalModel.from_bytes, context, night)
    return _of_newest_names(model, "conformal model", inputs, context)


def meta_label_of(inputs: Inputs, context: StageContext, night: date | None = None) -> MetaLabelModel | Unfit:
    """The meta-label model among the inputs, or why there is none; `night` as in `confidence_of`."""
    return _model(inputs, "meta_label_model", MetaLabelModel.from_bytes, context, night)


def past_until(inputs: Inputs, day: date, settings: Settings, name: str = LEDGER) -> PastTrades:
    """The trades of both books in the trailing days that were closed by `day` 24:00 and signalled so long
    before that no trade of their time was still open, each with its weight; no rows on the first nights.

    `name` is the key of the policy's read; that of the explored trades is `explored_key` of it.
    """
    own = _until(inputs, day, settings, name)
    explored = _until(inputs, day, settings, explored_key(name))
    return past_trades(TRADES_SCHEMA.empty_table() if own is None else own, explored)


def explored_key(name: str) -> str:
    """The key of the read of the explored trades beside that of the policy's."""
    return EXPLORED_LEDGER if name == LEDGER else f"{name}_explored"


def _until(inputs: Inputs, day: date, settings: Settings, name: str) -> pa.Table | None:
    if not inputs.has(name):
        return None
    holding = settings.market.rules.maximum_holding
    return trailing_trades(inputs.table(name), day, settings.models.trailing_days, holding)


Named = TypeVar("Named", ConfidenceModel, ConformalModel)
Model = TypeVar("Model")


def _of_newest_names(
    model: Named | Unfit, words: str, inputs: Inputs, context: StageContext
) -> Named | Unfit:
    """The model, unless it was fitted on other features than the newest trades have."""
    if isinstance(model, Unfit):
        return model
    names = newest_names(inputs, context)
    if isinstance(names, Unnamed):
        return Unfit(f"No {words} can read the trades: {names.why}", 0)
    if model.feature_names != names:
        return Unfit(f"The {words} was fitted on other entry features than those of the trades.", 0)
    return model


def _model(
    inputs: Inputs, asset: str, read: Callable[[bytes], Model], context: StageContext, night: date | None
) -> Model | Unfit:
    """That of the last day of the read or of `night`; Unfit with the reason where there is none, or none that
    this version can read: a model of another version costs a judgement, not the night."""
    name = key_of_night(asset, context, night)
    found = [each for each in inputs.manifests(name) if night in (None, each.day)]
    content = inputs.file_of_day(name, found[-1].day, MODEL_FILE) if found else None
    if content is not None:
        try:
            return read(content)
        except InputRefused as refused:
            return Unfit(f"{refused.what} {refused.remedy}", 0)
    before = f"before {context.day}" if night is None else f"on {night}"
    return Unfit(found[-1].note if found else f"No {asset} was fitted {before}.", 0)
