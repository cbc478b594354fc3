"""How a gate turns a model's probability into a verdict: the part that two gates have in common."""

from dataclasses import asdict

import pyarrow as pa

from huracan.gates.break_even import BreakEven
from huracan.gates.config import GateConfig, RegimeMargins
from huracan.gates.gate import GateVerdicts, abstain_from_all, require_above
from huracan.models.confidence import ConfidenceModel
from huracan.models.config import Unfit
from huracan.models.meta_label import MetaLabelModel

Model = ConfidenceModel | MetaLabelModel | Unfit


def judge_probability(
    model: Model,
    break_even: BreakEven,
    config: GateConfig,
    margins: RegimeMargins,
    trades: pa.Table,
    words: str,
) -> GateVerdicts:
    """Pass where the model's probability exceeds break-even plus margin, in the regime of the signal."""
    if isinstance(model, Unfit):
        return abstain_from_all(trades.num_rows, f"There is no model: {model.reason}")
    if config.require_skill and not model.has_skill:
        auc = "not measurable" if model.tail.auc is None else f"{model.tail.auc:.3f}"
        reason = f"The model showed no skill out of time (AUC {auc} on {model.tail_trades} trades)."
        return abstain_from_all(trades.num_rows, reason)
    if break_even.past_trades < config.minimum_past_trades or break_even.overall is None:
        reason = f"{break_even.past_trades} past trades give no break-even probability."
        return abstain_from_all(trades.num_rows, reason)
    return require_above(model.predict(trades), break_even.thresholds(trades, margins), words, "", 3)


def describe_probability(model: Model, break_even: BreakEven, margins: RegimeMargins) -> dict[str, object]:
    """Threshold rule and state as plain JSON values; the model itself is a file of its own."""
    return {
        "rule": "probability > break_even[regime] + margin[regime]",
        "break_even": dict(break_even.by_regime),
        "overall_break_even": break_even.overall,
        "past_trades": break_even.past_trades,
        "margin": asdict(margins),
        "model": model.reason if isinstance(model, Unfit) else "fitted",
        "has_skill": False if isinstance(model, Unfit) else model.has_skill,
    }
