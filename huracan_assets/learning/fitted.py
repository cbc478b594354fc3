"""What an asset holds that fits a model on past trades: the model, or why there is none."""

from dataclasses import asdict
from typing import Any

from huracan.models.confidence import ConfidenceModel
from huracan.models.config import Unfit
from huracan.models.conformal import ConformalModel
from huracan.models.meta_label import MetaLabelModel
from huracan_assets.inputs.file_names import MODEL_FILE
from huracan_assets.learning import model_plots
from huracan_assets.stage import Outcome

Model = ConfidenceModel | ConformalModel | MetaLabelModel


def fitted(model: Model | Unfit, left_out: str = "") -> Outcome:
    """`left_out` says which trades the model was not fitted on, and why."""
    if isinstance(model, Unfit):
        return Outcome(note=f"{model.reason} {left_out}".strip())
    plain = {
        name: value
        for name, value in asdict(model).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    return Outcome(
        files={MODEL_FILE: model.to_bytes()},
        metadata=_judged(model) | plain | {"has_skill": model.has_skill},
        note=left_out,
    )


def _judged(model: Model) -> dict[str, Any]:
    """What it did on later trades, as the UI shows it."""
    if isinstance(model, ConformalModel):
        return {"later_trades": model_plots.interval_table(model.tail, model.own_tail)}
    return {
        "reliability": model_plots.reliability_diagram(model.tail),
        "later_trades": model_plots.scores_table(model.tail, model.own_tail),
    }
