"""What must hold of the analyses before anybody reads them. The orchestrator turns it into asset checks."""

import math

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.outcome import floats, milliseconds
from huracan.analysis.rules.trials import RuleTrials
from huracan.analysis.rules.verdicts import NO_RULE, RULE_VERDICTS
from huracan.analysis.trades.loss_reasons import REASON_NAMES
from huracan.verdict import Verdict

_SAMPLE = 2_000


def judge_embeddings(
    embeddings: npt.NDArray[np.float32],
    *,
    maximum_mean_cosine: float = 0.9,
    minimum_trades: int = 10,
) -> Verdict:
    """Check `memory_embedding`: all finite, none empty, rank above 1, mean |cosine| of pairs below the limit.

    `embeddings` float32 [trades, dimensions]. The trades of a day share its weekday and its leaders, most of
    all where a leader is set aside; they are a defect only where they are all but the same. Rank and cosine
    need at least `minimum_trades`; of more than 2,000 trades an even sample is compared.
    """
    count = len(embeddings)
    finite = bool(np.isfinite(embeddings).all())
    lengths = np.linalg.norm(np.nan_to_num(embeddings.astype(np.float64)), axis=1)
    empty = int(np.sum(lengths < 1e-6))
    numbers: dict[str, float | int | str | bool] = {"trades": count, "is_finite": finite, "empty": empty}
    if not finite or empty:
        reason = f"Of {count} vectors {empty} are empty, and all finite is {finite}: look at the features."
        return Verdict("memory_embedding", False, reason, numbers)
    if count < minimum_trades:
        reason = f"{count} vectors are finite; too few to compare them."
        return Verdict("memory_embedding", True, reason, numbers)
    sample = embeddings[:: -(-count // _SAMPLE)].astype(np.float64)
    rank = int(np.linalg.matrix_rank(sample, tol=1e-4))
    cosines = (sample @ sample.T)[np.triu_indices(len(sample), 1)]
    mean_cosine, mean_absolute = float(np.mean(cosines)), float(np.mean(np.abs(cosines)))
    numbers |= {"rank": rank, "mean_cosine": mean_cosine, "mean_absolute_cosine": mean_absolute}
    passed = rank > 1 and mean_absolute < maximum_mean_cosine
    reason = (
        f"Vectors of {count} trades span {rank} dimensions with a mean |cosine| of {mean_absolute:.2f} "
        f"(limit {maximum_mean_cosine})."
    )
    return Verdict("memory_embedding", passed, reason, numbers)


def judge_neighbours(trades: pa.Table, neighbours: pa.Table) -> Verdict:
    """Check `memory_as_of`: every similar trade had closed before the signal it was found for."""
    signals = milliseconds(trades, "signal_time")[neighbours.column("query").to_numpy()]
    late = int(np.sum(milliseconds(neighbours, "closed_at") >= signals))
    reason = f"{late} of {len(neighbours)} similar trades were closed at or after the signal."
    return Verdict("memory_as_of", late == 0, reason, {"neighbours": len(neighbours), "late": late})


def judge_coverage(trades: pa.Table, wins: pa.Table, losses: pa.Table) -> Verdict:
    """Check `analysis_coverage`: each closed trade is analysed once, and the sums are the ledger's.

    Wins are trades with a net result above zero, losses all others.
    """
    ledger = trades.column("trade_id").to_pylist()
    analysed = wins.column("trade_id").to_pylist() + losses.column("trade_id").to_pylist()
    ledger_usd = math.fsum(floats(trades, "net_usd"))
    analysed_usd = math.fsum([*floats(wins, "net_usd"), *floats(losses, "net_usd")])
    exactly_once = sorted(analysed) == sorted(ledger) and len(set(ledger)) == len(ledger)
    split = bool(np.all(floats(wins, "net_bps") > 0) and np.all(floats(losses, "net_bps") <= 0))
    same_sum = abs(ledger_usd - analysed_usd) < 0.005
    reason = (
        f"{len(wins)} wins and {len(losses)} losses of {len(trades)} trades; "
        f"net {analysed_usd:.2f} USD against the ledger's {ledger_usd:.2f}."
    )
    numbers: dict[str, float | int | str | bool] = {
        "trades": len(trades),
        "wins": len(wins),
        "losses": len(losses),
        "ledger_net_usd": ledger_usd,
        "analysed_net_usd": analysed_usd,
    }
    return Verdict("analysis_coverage", exactly_once and split and same_sum, reason, numbers)


def judge_rules_tried(losses: pa.Table, rules: pa.Table, trials: RuleTrials) -> Verdict:
    """Check `avoidance_rules`: every loss has the verdict of its rule, and every rule is tried once.

    `losses` with their trials, `rules` of RULES_SCHEMA. The reason names the days before that could not be
    played again, and counts those that were traded by other rules, costs or candles than today's.
    """
    has_rule = pc.is_valid(losses["rule"])
    is_ruled = pc.not_equal(losses["rule_verdict"], NO_RULE)
    known = pc.is_in(losses["rule_verdict"], value_set=pa.array(RULE_VERDICTS, pa.string()))
    unjudged = len(losses) - (pc.sum(pc.and_(known, pc.equal(has_rule, is_ruled))).as_py() or 0)
    tried, suggested = rules["rule"].to_pylist(), pc.unique(losses["rule"].filter(has_rule)).to_pylist()
    counted = (pc.sum(rules["losses"]).as_py() or 0) == (pc.sum(has_rule).as_py() or 0)
    numbers: dict[str, float | int | str | bool] = {
        "losses": len(losses),
        "unjudged": unjudged,
        "rules": len(rules),
        "days_played": len(trials.days),
        "days_unusable": len(trials.unusable),
        "days_traded_otherwise": len(trials.otherwise_traded),
    }
    for entry in sorted(pc.value_counts(rules["verdict"]).to_pylist(), key=str):
        numbers[f"rules_{entry['values'].replace(' ', '_')}"] = entry["counts"]
    reason = (
        f"{len(rules)} rules of {len(losses)} losses, {unjudged} of them without a verdict, were tried on "
        f"{len(trials.days)} days; {len(trials.otherwise_traded)} more were traded otherwise."
    )
    for each in trials.unusable:
        reason += f" {each.day} cannot be played again: {each.why}"
    passed = unjudged == 0 and sorted(tried) == sorted(suggested) and counted
    return Verdict("avoidance_rules", passed, reason, numbers)


def judge_loss_reasons(losses: pa.Table) -> Verdict:
    """Check `loss_reasons`: every loss has a known primary reason, its evidence and an avoidance rule."""
    known = pc.is_in(losses.column("primary_reason"), value_set=pa.array(REASON_NAMES, pa.string()))
    evidence = pc.fill_null(pc.match_substring(losses.column("evidence"), '"reason"'), False)
    has_rule = pc.is_valid(losses.column("avoidance_rule"))
    complete = pc.and_(pc.and_(known, evidence), has_rule)
    without = int(len(losses) - (pc.sum(complete).as_py() or 0))
    numbers: dict[str, float | int | str | bool] = {"losses": len(losses), "without_reason": without}
    for entry in sorted(pc.value_counts(losses.column("primary_reason")).to_pylist(), key=str):
        numbers[f"losses_{entry['values']}"] = entry["counts"]
    reason = f"{without} of {len(losses)} losses lack a reason or its evidence."
    return Verdict("loss_reasons", without == 0, reason, numbers)
