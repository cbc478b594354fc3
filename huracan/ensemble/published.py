"""The ensemble in a published brain: what whoever loads it needs to combine what members say of a signal."""

from huracan.ensemble.hedge import Hedge
from huracan.ensemble.members import PRIOR_TRADES, Members

RULE = (
    "probability = sum(weight * p) / sum(weight) over the members that can say a p of the signal;"
    " disagreement = sqrt(sum(weight * (p - probability)^2) / sum(weight)). p is the probability that the"
    " signal ends above 0 net of costs."
)
MEMBER_RULES = {
    "seeds": "s = the probability of entering on the signal's side over that and that of waiting, on an"
    " account that holds nothing; p = win_rate of the group 1 + (how many edges are <= s), that of all where"
    " it is not listed. The published policy is one of the night's seeds; the others are not in the bundle,"
    " and say nothing.",
    "confidence": "p = what confidence.json says of the signal.",
    "pattern_evidence": "of the signal's nearest patterns that are listed, with a cosine of minimum_cosine"
    " or more: p = (sum(cosine * wins) + prior_trades * m) / (sum(cosine * trades) + prior_trades), with m"
    " the win rate of all.",
    "regime_prior": "p = the mean of 'regime, side', that of all where it is not listed.",
}


def published_ensemble(hedge: Hedge, members: Members) -> dict[str, object]:
    """Plain JSON values: the weights at a night's end, and what its members are fitted to."""
    return {
        "rule": RULE,
        "member_rules": MEMBER_RULES,
        "weights": hedge.weights(),
        "bounds": {name: hedge.bound(name) for name in hedge.tallies},
        "prior_trades": PRIOR_TRADES,
        "members": members.describe(),
    }
