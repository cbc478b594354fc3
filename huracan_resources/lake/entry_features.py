"""What the entry features of a stored ledger are called, by the lake alone. No value is read here."""

from datetime import date

from huracan.agent.policy.sealed_tensors import read_facts
from huracan.errors import InputRefused
from huracan.features.compute import recipe_columns
from huracan.features.naming import Unnamed
from huracan.market.observation import feature_names
from huracan.models.canonical import read_json_object
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.manifest import Manifest

POLICY, POLICY_FILE = "ppo_checkpoint", "policy.safetensors"
TRACE_FILE = "model.json"
"""Names the lists of a ledger's trades: `actions`, `bias_terms` and `entry_features`, each in order, and the
`decision_timeframe` on whose bars they were decided."""


def entry_timeframe(lake: Lake, ledger: Manifest) -> str:
    """On bars of what length the trades in the partition `ledger`, of shadow_trades or explored_trades, were
    decided; empty where it does not say so: then it is of a version that decided on every stored bar."""
    if TRACE_FILE not in ledger.files:
        return ""
    trace = read_json_object(lake.read_file(ledger.asset, ledger.day, TRACE_FILE), TRACE_FILE)
    return str(trace.get("decision_timeframe", ""))


def entry_feature_names(lake: Lake, ledger: Manifest) -> tuple[str, ...] | Unnamed:
    """The names of `entry_features` in the partition `ledger`, of shadow_trades or explored_trades, in order.

    From its `model.json`. A ledger of before they stood there has the columns of the features that it was
    made from, as long as those lie in the lake as they were: its manifest says which. Where they were made
    anew since, the policy that traded it names what it saw.
    """
    try:
        if TRACE_FILE in ledger.files:
            trace = read_json_object(lake.read_file(ledger.asset, ledger.day, TRACE_FILE), TRACE_FILE)
            if "entry_features" in trace:
                return tuple(trace["entry_features"])
        features = lake.manifest("features", ledger.day)
        if features is not None and ledger.inputs.get(features.key) == features.content_hash:
            return recipe_columns(lake.read_manifests([features]).column_names)
        why = "does not name its entry features, and the features that it was made from are gone."
        return _seen_by_its_policy(lake, ledger) or Unnamed(f"{ledger.key} {why}")
    except InputRefused as refused:
        return Unnamed(refused.what)


def _seen_by_its_policy(lake: Lake, ledger: Manifest) -> tuple[str, ...]:
    """The features that the policy of the ledger was trained on; empty where that is gone too."""
    for key, made in ledger.inputs.items():
        asset, _, day = key.partition("/")
        policy = lake.manifest(asset, date.fromisoformat(day)) if asset == POLICY else None
        if policy is not None and policy.content_hash == made and POLICY_FILE in policy.files:
            facts = read_facts(lake.read_file(policy.asset, policy.day, POLICY_FILE))
            return feature_names(facts.get("observation_names", ()))
    return ()
