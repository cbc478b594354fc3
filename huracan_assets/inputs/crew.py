"""Who decides on a day on paper: the policies of the two nights before it, each from its handover on."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from huracan.candles.redenominations import REDENOMINATIONS_FILE, redenominations_from_json
from huracan.candles.schema import day_start
from huracan.durations import minute_of_day
from huracan.errors import InputRefused
from huracan.market.actions import action_names
from huracan_assets.inputs import market_block
from huracan_assets.inputs.recipes import recipe_for
from huracan_assets.inputs.windows import day_with_lead
from huracan_assets.reads import Inputs, Read, yesterday
from huracan_assets.stage import Outcome, StageContext
from huracan_resources.lake.entry_features import POLICY_FILE

if TYPE_CHECKING:
    from huracan.market.paper.carrying import Carried
    from huracan.market.paper.provenance import Provenance
    from huracan.market.paper.watch import Watch
    from huracan.market.policy import Policy

EARLIER = "earlier_policy"
READS_OF_A_DAY_ON_PAPER = (
    yesterday("ppo_checkpoint", is_needed=False),
    # Of a history that began the day before there is none: nobody decides until the handover.
    Read("ppo_checkpoint", key=EARLIER, ends=-2, edge=False, is_record=True, may_lack_days=True),
    Read("features", days=2),
    Read("regimes", days=2, table="data"),
    Read("ohlcv", days=day_with_lead),
    Read("market_costs", days=2),
    market_block.pattern_libraries(1),
)
"""The market of a day, led by the bar at whose close its first decision is made, and who decides there."""


@dataclass(frozen=True, eq=False)
class Crew:
    """Who decides on the day: before the handover, and from then on."""

    context: StageContext
    policies: "tuple[Policy | None, Policy | None]"
    models: tuple[str | None, str | None]
    whys: tuple[str, str]
    """Why there is no policy, where there is none."""

    @staticmethod
    def of(inputs: Inputs, context: StageContext, file: str = POLICY_FILE) -> "Crew":
        """Of the published policies, or of those of another `file` of the two nights."""
        before, after = (_policy(inputs, name, file, context) for name in (EARLIER, "ppo_checkpoint"))
        return Crew(context, (before[0], after[0]), (before[1], after[1]), (before[2], after[2]))

    @property
    def handover_ms(self) -> int:
        minute = minute_of_day(self.context.settings.market.handover)
        return int(day_start(self.context.day).timestamp() * 1000) + minute * 60_000

    @property
    def has_policy(self) -> bool:
        return any(policy is not None for policy in self.policies)

    @property
    def nights(self) -> tuple[date, date]:
        """Those whose brains they are."""
        return self.context.day - timedelta(days=2), self.context.day - timedelta(days=1)

    def watches(self, inputs: Inputs) -> "list[Watch]":
        from huracan.market.paper.watch import BEFORE_ALL, Watch

        known = [market_block.named_patterns(inputs, night, self.context.settings) for night in self.nights]
        begins = (BEFORE_ALL, self.handover_ms)
        parts = zip(self.policies, self.models, begins, known, strict=True)
        return [Watch(*part) for part in parts]

    def trace(self, feature_names: tuple[str, ...]) -> dict[str, Any]:
        """What names the lists of the tables; `model_id` is of who decides from the handover on."""
        from huracan.agent.policy.context_bias import TERMS

        return {
            "model_id": self.models[1] or self.models[0] or "",
            "model_id_before_handover": self.models[0],
            "actions": action_names(self.context.settings.market.rules.allow_short),
            "bias_terms": TERMS,
            "entry_features": feature_names,
            "decision_timeframe": self.context.decision_timeframe.name,
        }

    def told(self) -> dict[str, Any]:
        """For the UI: the model or why there is none."""
        handover = self.context.settings.market.handover
        names = (f"model_id_before_{handover}", f"model_id_from_{handover}")
        return {
            name: model or f"none: {why}"
            for name, model, why in zip(names, self.models, self.whys, strict=True)
        }


def _policy(
    inputs: Inputs, name: str, file: str, context: StageContext
) -> "tuple[Policy | None, str | None, str]":
    """The policy of a read, its model, and why there is none."""
    from huracan.agent.policy.checkpoint import load_policy
    from huracan.market.observation import observation_names

    checkpoint = inputs.file(name, file)
    if checkpoint is None:
        manifest = inputs.last(name)
        first = "no usable checkpoint of that night is there."
        return None, None, manifest.note if manifest else inputs.refusal(name) or first
    actions = action_names(context.settings.market.rules.allow_short)
    names = observation_names(recipe_for(context.settings).names)
    minutes = context.decision_timeframe.minutes
    try:
        policy = load_policy(checkpoint, names, actions, minutes, trades=context.day)
    except InputRefused as refused:
        # A record is not trained again, so a night that failed here would fail for good.
        return None, None, refused.what
    return policy, policy.model_id, ""


def provenance_of(inputs: Inputs, context: StageContext) -> "Provenance":
    """What is written on every trade that is entered on the day."""
    from huracan.market.paper.provenance import Provenance

    declared = redenominations_from_json(inputs.file_of_day("ohlcv", context.day, REDENOMINATIONS_FILE))
    return Provenance(
        model_id="",
        data_hash=inputs.manifest_of("features", context.day).content_hash,
        configuration_digest=context.configuration_digest,
        is_simulated=inputs.is_simulated,
        declared=declared,
    )


def without_regimes(context: StageContext, carried: "Carried | None") -> Outcome:
    """What a day on paper comes to whose bars have no regimes; refused where accounts wait for them."""
    why = f"The bars of {context.day} have no regimes yet"
    if carried is None:
        return Outcome(note=f"{why}.")
    raise InputRefused(
        f"{why}, and the accounts of the day before wait for them.",
        "Lower regimes.minimum_days, or make the days before it again: huracan backfill.",
    )
