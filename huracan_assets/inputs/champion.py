"""The champion as the day after a night meets it: which brain it is, and whether it can be traded."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from huracan.brain.brain import Brain, load_brain
from huracan.brain.signature import public_key_of
from huracan.errors import InputRefused, InvalidInput
from huracan.market.costs import CostAssumptions
from huracan.market.rules import MaintenanceTier, TradingRules
from huracan.promotion.champion import InForce, in_force
from huracan.promotion.record import Row, TrialRecord
from huracan_assets.inputs.recipes import recipe_for
from huracan_assets.stage import StageContext

if TYPE_CHECKING:
    from huracan.market.paper.watch import Watch
    from huracan_assets.reads import Inputs

CHAMPION_FILE = "champion.json"


def champion_before(rows: Sequence[Row], day: date) -> InForce | None:
    """What is in force on a day by the nights before it, and by a person whenever; None where the brain is
    not older than the day, for it would know it."""
    state = in_force(TrialRecord(rows, day - timedelta(days=1)).decisions)
    return state if state is not None and state.day < day else None


def why_it_does_not_go_on(rows: Sequence[Row], day: date) -> str:
    """Why no champion trades beside the day's own procedure; empty where one does."""
    champion, before = champion_before(rows, day), day - timedelta(days=1)
    if champion is None:
        return "No procedure is the champion."
    if TrialRecord(rows, before).nights.get(before, champion.procedure) == champion.procedure:
        return "The champion is the procedure that trades the day by itself."
    return ""


def frozen_brain(champion: InForce, context: StageContext) -> Brain | str:
    """The champion's last brain, or in a sentence why it cannot be executed any more."""
    from huracan_resources.brains import read_bundle
    from huracan_resources.signing import signing_key

    public_key = public_key_of(signing_key(context.settings))
    try:
        brain = load_brain(read_bundle(context.resources.brains, champion.bundle), public_key)
        if why := _sees_otherwise(brain, context):
            return why
        rules_of(bundle_facts(brain))
    except InputRefused as refused:
        return refused.what
    return brain


def _sees_otherwise(brain: Brain, context: StageContext) -> str:
    from huracan.market.observation import observation_names

    recipe = recipe_for(context.settings)
    if why := brain.reads_otherwise(recipe):
        return why
    if brain.weights.observation_names != observation_names(recipe.names):
        return f"{brain.brain_id} sees other columns beside the features."
    return ""


def bundle_facts(brain: Brain) -> dict[str, Any]:
    """What is kept of a brain beside its day on paper: its own rules and costs."""
    told = json.loads(brain.files["costs.json"])
    return {"brain_id": brain.brain_id, "rules": told["trading_rules"], "costs": told["costs"]}


def rules_of(facts: Mapping[str, Any]) -> tuple[TradingRules, CostAssumptions]:
    """The rules and costs among `bundle_facts`; InputRefused where they are of another version."""
    try:
        rules = dict(facts["rules"])
        rules["size_multipliers"] = tuple(rules["size_multipliers"])
        rules["maintenance_tiers"] = tuple(MaintenanceTier(**each) for each in rules["maintenance_tiers"])
        return TradingRules(**rules), CostAssumptions(**facts["costs"])
    except (InvalidInput, KeyError, TypeError) as error:
        raise InputRefused(
            f"The trading rules or costs of {facts.get('brain_id', 'the champion')} are of another version"
            f" ({type(error).__name__}: {error}).",
            "It cannot be traded by this one.",
        ) from error


def watch_of(brain: Brain, inputs: "Inputs") -> "Watch":
    """The brain in charge of the whole day, with its gates that bind."""
    from huracan.gates.binding.guard import GateGuard
    from huracan.market.facts.signal_facts import MarketFacts
    from huracan.market.paper.watch import Watch

    # Without a gate that binds nobody stands in its way, and the orders are told all the same.
    guard = brain.guard or GateGuard({})
    facts = MarketFacts(inputs.table("ohlcv")) if brain.binding else None
    return Watch(brain.policy, brain.brain_id, patterns=brain.patterns, guard=guard, facts=facts)
