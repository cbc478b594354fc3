"""Whether a training may be trusted. Whether its policy earns anything is judged elsewhere."""

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from huracan.agent.config import HealthLimits
from huracan.verdict import Number, Verdict


def judge_curve(curve: pa.Table, held_out: Mapping[str, Any], limits: HealthLimits) -> Verdict:
    """Check `learner_health`, blocking: no NaN, it explored, divergence and value network in limits."""
    columns = {name: curve[name].to_numpy() for name in curve.column_names}
    part = max(1, curve.num_rows // 5)
    numbers: dict[str, Number] = {
        "updates": curve.num_rows,
        "approx_kl": float(np.mean(columns["approx_kl"][-part:])),
        "explained_variance": float(np.mean(columns["explained_variance"][-part:])),
        "value_loss": float(np.mean(columns["value_loss"][-part:])),
        "early_entropy": float(np.mean(columns["entropy"][:part])),
        "final_entropy": float(columns["entropy"][-1]),
    }
    finite = all(bool(np.isfinite(values).all()) for values in columns.values())
    finite = finite and math.isfinite(held_out["net_usd"])
    reasons = []
    if not finite:
        reasons.append("A number of the learning curve is not finite.")
    if not float(numbers["approx_kl"]) <= limits.maximum_kl:
        reasons.append(f"The policy still jumps: divergence {numbers['approx_kl']:.3f} an update.")
    errs = float(numbers["value_loss"]) > limits.negligible_value_loss
    if errs and not float(numbers["explained_variance"]) >= limits.minimum_explained_variance:
        reasons.append(f"The value network explains {numbers['explained_variance']:.2f} of the returns.")
    if not float(numbers["early_entropy"]) >= limits.minimum_early_entropy:
        reasons.append("The policy was certain before it had learned anything.")
    reason = " ".join(reasons) or "The learning curve is finite and within its limits."
    return Verdict("learner_health", not reasons, reason, numbers)


def judge_held_out(report: Mapping[str, Any], embargo_days: int) -> Verdict:
    """Check `held_out_apart`, blocking: between the days that the judged weights were trained on and the
    first day that they were judged by lies the embargo."""
    refit = report.get("refit")
    last = date.fromisoformat(refit["judged_last_day"] if refit else report["training"]["last_day"])
    first = date.fromisoformat(report["held_out"]["first_day"])
    between = (first - last).days - 1
    reason = (
        f"Trained on days up to {last}, judged by those from {first} on: {between} between them, of"
        f" {embargo_days} that are asked."
    )
    return Verdict("held_out_apart", between >= embargo_days, reason, {"days_between": between})
