"""What an asset holds that fits a model on past trades: the model, or why there is none."""

from dataclasses import asdict

from huracan.models.confidence import ConfidenceModel
from huracan.models.config import Unfit
from huracan.models.conformal import ConformalModel
from huracan.models.meta_label import MetaLabelModel
from huracan_assets.inputs.file_names import MODEL_FILE
from huracan_assets.stage import Outcome


def fitted(model: ConfidenceModel | ConformalModel | MetaLabelModel | Unfit, left_out: str = "") -> Outcome:
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
        metadata=plain | {"has_skill": model.has_skill},
        note=left_out,
    )
