"""What the entry features of a stored ledger are called, by the lake alone. No value is read here."""

from huracan.errors import InputRefused
from huracan.features.compute import recipe_columns
from huracan.features.naming import Unnamed
from huracan.models.canonical import read_json_object
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.manifest import Manifest

TRACE_FILE = "model.json"
"""Names the lists of a ledger's trades: `actions`, `bias_terms` and `entry_features`, each in order, and the
`decision_timeframe` on whose bars they were decided."""


def entry_timeframe(lake: Lake, ledger: Manifest) -> str:
    """On bars of what length the trades in the partition `ledger` of shadow_trades were decided; empty where
    it does not say so: then it is of a version that decided on every stored bar."""
    if TRACE_FILE not in ledger.files:
        return ""
    trace = read_json_object(lake.read_file(ledger.asset, ledger.day, TRACE_FILE), TRACE_FILE)
    return str(trace.get("decision_timeframe", ""))


def entry_feature_names(lake: Lake, ledger: Manifest) -> tuple[str, ...] | Unnamed:
    """The names of `entry_features` in the partition `ledger` of shadow_trades, in order.

    From its `model.json`. A ledger of before they stood there has the columns of the features that it was
    made from, as long as those lie in the lake as they were: its manifest says which.
    """
    try:
        if TRACE_FILE in ledger.files:
            trace = read_json_object(lake.read_file(ledger.asset, ledger.day, TRACE_FILE), TRACE_FILE)
            if "entry_features" in trace:
                return tuple(trace["entry_features"])
        features = lake.manifest("features", ledger.day)
        if features is None or ledger.inputs.get(features.key) != features.content_hash:
            why = "does not name its entry features, and the features that it was made from are gone."
            return Unnamed(f"{ledger.key} {why}")
        return recipe_columns(lake.read_manifests([features]).column_names)
    except InputRefused as refused:
        return Unnamed(refused.what)
