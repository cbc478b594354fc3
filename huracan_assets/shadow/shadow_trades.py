"""The asset `shadow_trades`: the day on paper."""

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from huracan.candles.redenominations import REDENOMINATIONS_FILE, redenominations_from_json
from huracan.candles.schema import day_start
from huracan.durations import minute_of_day
from huracan.errors import InputRefused
from huracan.market.actions import action_names
from huracan.market.ledger import (
    DECISIONS_COLUMNS,
    FILLS_COLUMNS,
    SESSION_COLUMNS,
    SIGNALS_COLUMNS,
    TRADES_COLUMNS,
)
from huracan.market.paper.open_columns import OPEN_POSITIONS_COLUMNS
from huracan.tables import Always, Table
from huracan_assets import shown
from huracan_assets.inputs import market_block
from huracan_assets.inputs.accounts import CARRIED_IN, OPEN_POSITIONS, carried_in, told_of_a_gap
from huracan_assets.inputs.recipes import recipe_for
from huracan_assets.inputs.windows import day_with_lead
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, Read, yesterday
from huracan_assets.shadow import plots
from huracan_assets.stage import Check, Outcome, StageContext, stage
from huracan_resources.lake.entry_features import TRACE_FILE

if TYPE_CHECKING:
    from huracan.market.paper.carrying import Carried
    from huracan.market.paper.provenance import Provenance
    from huracan.market.paper.session import Session
    from huracan.market.paper.watch import Watch
    from huracan.market.policy import Policy

EARLIER = "earlier_policy"


@stage(
    job=TRADE,
    kinds={"parquet", "postgres"},
    reads=[
        yesterday("ppo_checkpoint", is_needed=False),
        # Of a history that began the day before there is none: nothing is entered until the handover.
        Read("ppo_checkpoint", key=EARLIER, ends=-2, edge=False, is_record=True, may_lack_days=True),
        CARRIED_IN,
        Read("features", days=2),
        Read("regimes", days=2),
        Read("ohlcv", days=day_with_lead),
        Read("market_costs", days=2),
        market_block.pattern_libraries(1),
    ],
    tables={
        "data": Table(TRADES_COLUMNS, keep=Always(), in_database=True),
        "fills": Table(FILLS_COLUMNS, keep=Always()),
        "session": Table(SESSION_COLUMNS, keep=90),
        "decisions": Table(DECISIONS_COLUMNS, keep=90),
        "signals": Table(SIGNALS_COLUMNS, keep=90, name="shadow_signals", in_database=True),
        OPEN_POSITIONS: Table(
            OPEN_POSITIONS_COLUMNS,
            keep=Always("the day after goes on from what is open, also where it is made again years later"),
            name=OPEN_POSITIONS,
        ),
    },
    settings=["universe", "market"],
    checks=[
        Check(
            "ledger_conservation",
            "Equity = cash + position, results = trades = their fills, to the cent, from the day before's end"
            " to the day's; every fill was possible.",
        ),
        Check(
            "replay_equals_ledger",
            "The stored actions and the accounts of the day before give the same trades, fills and accounts,"
            " to the bit.",
        ),
        Check(
            "signal_coverage", "Every position that was opened is a signal and every signal has one status."
        ),
    ],
    is_record=True,
)
def shadow_trades(inputs: Inputs, context: StageContext) -> Outcome:
    """The day on paper: the accounts go on from the end of the day before, with every cost and full context.

    The table `data` holds the trades that were closed on the day, `open_positions` what is open at its end.
    Decisions at a decision bar's close fill at the next stored bar's open; stop and target are tested inside
    each stored bar, the worse one first. Up to the handover the policy of the night before the last decides,
    from then on that of the last; without one nothing is entered. Every signal is traded, also those that a
    gate would refuse: so a gate's worth is known. Every single fill of the trades lies in the table `fills`;
    the account and the action of each bar, in `session`; logits, bias, mask and probabilities of each
    decision, in `decisions`; and in `signals` every bar at which the policy entered, would have entered but
    for a mask, or all but entered.
    """
    # What they import is compiled or takes a second to load; definitions must load fast.
    from huracan.market.paper.conservation import judge_ledger, judge_signals_told
    from huracan.market.paper.replay_audit import judge_replay
    from huracan.market.paper.session import trade_session
    from huracan.market.paper.turnover import turnover_usd

    crew, carried = _Crew.of(inputs, context), carried_in(inputs, context.settings, context.day)
    if carried is None and not crew.has_policy:
        return Outcome(note=f"No policy of the day before {context.day}: {crew.whys[-1]}")
    if not inputs.holds("regimes", context.day):
        return _without_regimes(context, carried)
    market, block = context.settings.market, market_block.paper_block(inputs, context.settings)
    watches, provenance = crew.watches(inputs), _provenance(inputs, context)
    session = trade_session(block, watches, market.rules, market.costs, provenance, carried)
    turned_over = turnover_usd(session, crew.handover_ms, minutes=60)
    candles, accounts = inputs.of_day("ohlcv", context.day), carried and carried.accounts
    ledger = judge_ledger(session, market.rules, candles, accounts, block.spot_symbols)
    numbers = {**ledger.numbers, "turnover_after_handover_usd": round(turned_over, 2)}
    return Outcome(
        tables={
            "data": session.trades,
            "fills": session.fills,
            "session": session.bars,
            "decisions": session.decisions,
            "signals": session.signals,
            OPEN_POSITIONS: session.open_positions,
        },
        files={TRACE_FILE: json.dumps(crew.trace(block.feature_names)).encode()},
        verdicts=[
            replace(ledger, numbers=numbers),
            judge_replay(session, block, market.rules, market.costs, provenance, carried),
            judge_signals_told(session),
        ],
        metadata={
            **crew.told(),
            **told_of_a_gap(carried, context.resources.lake, context.day),
            "turnover_after_handover_usd": round(turned_over, 2),
            **_shown(session),
        },
    )


@dataclass(frozen=True, eq=False)
class _Crew:
    """Who decides on the day: before the handover, and from then on."""

    context: StageContext
    policies: "tuple[Policy | None, Policy | None]"
    models: tuple[str | None, str | None]
    whys: tuple[str, str]
    """Why there is no policy, where there is none."""

    @staticmethod
    def of(inputs: Inputs, context: StageContext) -> "_Crew":
        before, after = (_policy(inputs, name, context) for name in (EARLIER, "ppo_checkpoint"))
        return _Crew(context, (before[0], after[0]), (before[1], after[1]), (before[2], after[2]))

    @property
    def handover_ms(self) -> int:
        minute = minute_of_day(self.context.settings.market.handover)
        return int(day_start(self.context.day).timestamp() * 1000) + minute * 60_000

    @property
    def has_policy(self) -> bool:
        return any(policy is not None for policy in self.policies)

    def watches(self, inputs: Inputs) -> "list[Watch]":
        from huracan.market.paper.watch import BEFORE_ALL, Watch

        nights = [self.context.day - timedelta(days=back) for back in (2, 1)]
        known = [market_block.named_patterns(inputs, night, self.context.settings) for night in nights]
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


def _policy(inputs: Inputs, name: str, context: StageContext) -> "tuple[Policy | None, str | None, str]":
    """The policy of a read, its model, and why there is none."""
    from huracan.agent.policy.checkpoint import load_policy
    from huracan.market.observation import observation_names

    checkpoint = inputs.file(name, "policy.safetensors")
    if checkpoint is None:
        manifest = inputs.last(name)
        first = "no usable checkpoint of that night is there."
        return None, None, manifest.note if manifest else inputs.refusal(name) or first
    actions = action_names(context.settings.market.rules.allow_short)
    names = observation_names(recipe_for(context.settings).names)
    try:
        policy = load_policy(checkpoint, names, actions, context.decision_timeframe.minutes)
    except InputRefused as refused:
        # A record is not trained again, so a night that failed here would fail for good.
        return None, None, refused.what
    return policy, policy.model_id, ""


def _provenance(inputs: Inputs, context: StageContext) -> "Provenance":
    from huracan.market.paper.provenance import Provenance

    declared = redenominations_from_json(inputs.file_of_day("ohlcv", context.day, REDENOMINATIONS_FILE))
    return Provenance(
        model_id="",
        data_hash=inputs.manifest_of("features", context.day).content_hash,
        configuration_digest=context.configuration_digest,
        is_simulated=inputs.is_simulated,
        declared=declared,
    )


def _without_regimes(context: StageContext, carried: "Carried | None") -> Outcome:
    why = f"The bars of {context.day} have no regimes yet"
    if carried is None:
        return Outcome(note=f"{why}.")
    raise InputRefused(
        f"{why}, and the accounts of the day before wait for them.",
        "Lower regimes.minimum_days, or make the days before it again: huracan backfill.",
    )


def _shown(session: "Session") -> dict[str, Any]:
    return {
        "equity_curve": plots.equity_curve(session.bars),
        "wins_and_losses": plots.win_loss_table(session.trades),
        "open_positions": plots.held_table(session.open_positions),
        "fills": shown.count_table(session.fills, ["kind", "side"]),
        "signals": shown.count_table(session.signals, ["status", "reason"]),
    }
