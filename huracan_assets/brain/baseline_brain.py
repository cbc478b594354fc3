"""The asset `baseline_brain`: the bundle that other programs load, when the night's verdict allows it."""

import json
from dataclasses import asdict
from typing import Any

from huracan.analysis.memory.embedding import EmbeddingStatistics
from huracan.analysis.patterns.context import KnownPatterns
from huracan.analysis.patterns.nearest import NamedPatterns
from huracan.brain.bundle import BundleParts, build_bundle
from huracan.candles.market_info import MARKET_INFO_FILE
from huracan.gates.binding.fitted import gates_of_bundle
from huracan.gates.roster import fit_gates, modes_of
from huracan.market.actions import mask_rules
from huracan.promotion.champion import Act, act_of
from huracan.promotion.verdict import BrainVerdict
from huracan_assets import shown
from huracan_assets.inputs.ensemble_members import STATEMENTS_READ, published_from
from huracan_assets.inputs.file_names import DECISIONS_FILE, EMBEDDING_FILE, VERDICT_FILE
from huracan_assets.inputs.gate_context import PAST_MARKET, gate_context
from huracan_assets.inputs.past_trades import BOTH_BOOKS
from huracan_assets.inputs.recipes import recipe_for
from huracan_assets.inputs.windows import window_days
from huracan_assets.jobs import PUBLISH
from huracan_assets.reads import Inputs, Read, record
from huracan_assets.stage import Outcome, StageContext, stage
from huracan_resources.lake.manifest import Manifest


def _bring_back(manifest: Manifest, context: StageContext) -> None:
    from huracan_resources.brains import point_latest, register_lost_brain

    lake, brains = context.resources.lake, context.resources.brains
    with context.resources.database.connect() as connection:
        register_lost_brain(connection, brains, lake, manifest.day)
    point_latest(brains, context.resources.trials.rows())


@stage(
    job=PUBLISH,
    kinds={"safetensors", "onnx"},
    reads=[
        record("ppo_checkpoint"),
        record("brain_evaluation"),
        record("controls"),
        Read("confidence_model"),
        Read("meta_label_model"),
        Read("conformal_model"),
        Read("feature_importance"),
        Read("gate_stats"),
        Read("pattern_library"),
        Read("regimes"),
        Read("market_costs", edge=False),
        *BOTH_BOOKS,
        *PAST_MARKET,
        Read("ensemble", is_record=True, may_lack_days=True),
        STATEMENTS_READ,
        Read("features", days=window_days, edge=False),
    ],
    settings=["universe", "market", "models", "gates", "gate_worth.adopts", "training"],
    reads_outside=True,
    is_record=True,
    bring_back=_bring_back,
)
def baseline_brain(inputs: Inputs, context: StageContext) -> Outcome:
    """The published brain: signed, complete, and loadable without this platform.

    The bundle and its row in the registry are written for every verdict; then what the night decided goes
    into the trial ledger, and last of all `latest` to the brain that is in force. A brain of simulated
    candles says so and is never eligible for live trading.
    """
    # They bring the drivers of database and object store, which declarations must not load.
    from huracan_resources.brains import BRAIN_FILE, BrainRecord, bundle_key, publish, publish_decisions
    from huracan_resources.signing import signing_key

    verdict_file = inputs.file("brain_evaluation", VERDICT_FILE)
    if verdict_file is None:
        manifest = inputs.last("brain_evaluation")
        note = manifest.note if manifest else f"No verdict for {context.day}."
        return Outcome(
            note=note, publish=lambda: publish_decisions(context.resources, context.day, _acts(inputs))
        )
    verdict = _verdict(verdict_file)
    files = build_bundle(_parts(inputs, context, verdict), signing_key(context.settings))
    record = BrainRecord.of(files, context.day, context.resources.brains.url, context.settings.digest())
    # Neither where this machine keeps its brains nor what came later: the same night is the same bytes.
    facts: dict[str, Any] = {
        "brain_id": record.brain_id,
        "verdict": record.verdict,
        "reasons": list(verdict.reasons),
        "bundle": bundle_key(context.day, record.brain_id),
        "is_live_eligible": verdict.live_eligible,
        "seeds": _seeds(inputs),
    }
    return Outcome(
        files={BRAIN_FILE: json.dumps(facts, sort_keys=True, indent=1).encode()},
        metadata=facts | {"seeds": facts["seeds"]["count"], "reasons": shown.lines(verdict.reasons)},
        publish=lambda: publish(context.resources, record, files, _acts(inputs)),
    )


def _acts(inputs: Inputs) -> list[Act]:
    """What the night decided of what is in force."""
    return [act_of(each) for each in json.loads(inputs.file("brain_evaluation", DECISIONS_FILE) or b"[]")]


def _verdict(content: bytes) -> BrainVerdict:
    values = json.loads(content)
    return BrainVerdict(**{**values, "reasons": tuple(values["reasons"])})


def _parts(inputs: Inputs, context: StageContext, verdict: BrainVerdict) -> BundleParts:
    settings, regimes = context.settings, inputs.file("regimes", "parameters.json")
    learnt = gate_context(inputs, context)
    checkpoint = inputs.file("ppo_checkpoint", "policy.safetensors")
    manifest = inputs.last("ppo_checkpoint")
    assert checkpoint is not None and manifest is not None  # there is a verdict on it
    return BundleParts(
        day=context.day,
        code_version=manifest.code_version,
        checkpoint=checkpoint,
        timeframe=settings.universe.timeframe,
        symbols=tuple(settings.universe.symbols),
        recipe=recipe_for(settings).published(),
        mask_rules=mask_rules(settings.market.rules.allow_short),
        regimes=json.loads(regimes or b"{}"),
        gates=gates_of_bundle(fit_gates(learnt), modes_of(learnt.settings)),
        confidence=learnt.confidence,
        meta_label=learnt.meta_label,
        conformal=learnt.conformal,
        costs=asdict(settings.market.costs),
        trading_rules=asdict(settings.market.rules),
        markets=json.loads(inputs.file("market_costs", MARKET_INFO_FILE) or b"{}"),
        patterns=_patterns(inputs),
        data_hashes={m.day.isoformat(): m.content_hash for m in inputs.manifests("features")},
        source=manifest.source,
        is_simulated=manifest.is_simulated,
        verdict=verdict,
        ensemble=published_from(inputs, learnt),
    )


def _seeds(inputs: Inputs) -> dict[str, float]:
    """How many seeds the night trained, and what they made on the held-out tail: the median is the brain."""
    seeds = json.loads(inputs.file("ppo_checkpoint", "report.json") or b"{}")["seeds"]
    return {name: seeds[name] for name in ("count", "net_usd_lowest", "net_usd_highest", "net_usd_std")}


def _patterns(inputs: Inputs) -> dict[str, object]:
    """What whoever loads the brain needs to fill the pattern columns of the day after."""
    content = inputs.file("pattern_library", EMBEDDING_FILE)
    if content is None or not inputs.has("pattern_library"):
        return {"embedding": None, "centroids": [], "outcomes": [], "trust": []}
    known = KnownPatterns.of(inputs.table("pattern_library"), EmbeddingStatistics.from_json(content.decode()))
    named = NamedPatterns.of(inputs.table("pattern_library"), known.statistics)
    return {
        "embedding": json.loads(content),
        "centroids": known.centroids,
        "outcomes": known.outcomes,
        "trust": known.trust,
        "named": named.as_plain(),
    }
