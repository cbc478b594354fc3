"""The assets `confidence_model`, `meta_label_model` and `feature_importance`: what past trades teach."""

from dataclasses import asdict
from datetime import date

import pyarrow as pa

from huracan.features.recipe import RECIPE
from huracan.market.ledger import TRADES_SCHEMA
from huracan.models.confidence import ConfidenceModel, fit_confidence_model
from huracan.models.config import Unfit
from huracan.models.importance import feature_importance as rank_features
from huracan.models.meta_label import MetaLabelModel, fit_meta_label_model
from huracan.models.window import trailing_trades
from huracan_assets import plots
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import Night, Outcome, stage
from huracan_resources.settings.settings import Settings

MODEL_FILE = "model.json"


def trailing_days(settings: Settings) -> int:
    return settings.models.trailing_days


TRAILING_TRADES = Read("shadow_trades", days=trailing_days, is_record=True)
ROOMS = ["features", "market", "models"]


@stage(
    group="learning",
    kinds={"lightgbm"},
    reads=[TRAILING_TRADES],
    rooms=ROOMS,
    blocks=["models"],
)
def confidence_model(inputs: Inputs, night: Night) -> Outcome:
    """How likely a signal is to end as a winning trade, net of costs: boosted trees on past trades."""
    trades = trades_until(inputs, night.day, night.settings)
    return _fitted(fit_confidence_model(trades, RECIPE.names, night.settings.models))


@stage(
    group="learning",
    kinds={"scikitlearn"},
    reads=[TRAILING_TRADES],
    rooms=ROOMS,
    blocks=["models"],
)
def meta_label_model(inputs: Inputs, night: Night) -> Outcome:
    """Whether to take a signal that the policy gave: logistic regression on the policy's own outputs."""
    trades = trades_until(inputs, night.day, night.settings)
    return _fitted(fit_meta_label_model(trades, night.settings.models))


@stage(
    group="learning",
    kinds={"postgres"},
    reads=[TRAILING_TRADES, Read("confidence_model")],
    rooms=ROOMS,
    blocks=["models"],
    database={"feature_importance": "data"},
)
def feature_importance(inputs: Inputs, night: Night) -> Outcome:
    """What the confidence model looks at: its gain, and what shuffling a feature costs out of time."""
    model, trades = confidence_of(inputs, night), trades_until(inputs, night.day, night.settings)
    if isinstance(model, Unfit):
        return Outcome(note=f"No confidence model of {night.day} to explain: {model.reason}")
    table = rank_features(trades, model, RECIPE.names, night.settings.models)
    return Outcome(tables={"data": table}, metadata={"most_important": plots.top_rows(table, 15)})


def confidence_of(inputs: Inputs, night: Night) -> ConfidenceModel | Unfit:
    """The confidence model among the inputs, or why there is none."""
    model = inputs.file("confidence_model", MODEL_FILE)
    return ConfidenceModel.from_bytes(model) if model else _absent(inputs, "confidence_model", night)


def meta_label_of(inputs: Inputs, night: Night) -> MetaLabelModel | Unfit:
    """The meta-label model among the inputs, or why there is none."""
    model = inputs.file("meta_label_model", MODEL_FILE)
    return MetaLabelModel.from_bytes(model) if model else _absent(inputs, "meta_label_model", night)


def trades_until(inputs: Inputs, day: date, settings: Settings, name: str = "shadow_trades") -> pa.Table:
    """The trades of the trailing days that were closed by `day` 24:00; no rows on the first nights."""
    if not inputs.has(name):
        return TRADES_SCHEMA.empty_table()
    return trailing_trades(inputs.table(name), day, settings.models.trailing_days)


def _absent(inputs: Inputs, name: str, night: Night) -> Unfit:
    manifest = inputs.last(name)
    return Unfit(manifest.note if manifest else f"No {name} was fitted before {night.day}.", 0)


def _fitted(model: ConfidenceModel | MetaLabelModel | Unfit) -> Outcome:
    if isinstance(model, Unfit):
        return Outcome(note=model.reason)
    plain = {
        name: value
        for name, value in asdict(model).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    return Outcome(files={MODEL_FILE: model.to_bytes()}, metadata=plain | {"has_skill": model.has_skill})
