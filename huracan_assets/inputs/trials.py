"""The trial ledger as a night meets it: what is registered and recorded, and what that comes to."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from huracan.promotion.champion import Act, InForce, Night, against, challenge, decide, in_force, paired_bet
from huracan.promotion.criteria import Judged
from huracan.promotion.day import DayResult
from huracan.promotion.evidence import Evidence
from huracan.promotion.night import JudgedNight, TrainedNight, verdict_of_night
from huracan.promotion.procedure import Procedure
from huracan.promotion.record import TrialRecord, is_by_night, registration
from huracan.promotion.track_record import track_record
from huracan.promotion.trial_rows import CHAMPION_DAY, DAY, NIGHT, PROCEDURE
from huracan.promotion.verdict import BrainVerdict, Registered, judge_procedure
from huracan_assets.inputs.champion import CHAMPION_FILE, champion_before, rules_of
from huracan_assets.inputs.paper_result import CHAMPION, GATED, PaperResult
from huracan_assets.reads import Inputs
from huracan_assets.stage import StageContext


@dataclass(frozen=True, eq=False)
class NightsVerdict:
    """What a night comes to."""

    verdict: BrainVerdict
    acts: tuple[Act, ...]
    procedure: Registered
    evidence: Evidence
    track_record: tuple[str, ...]


class Trials:
    """Of one night, which sees the rows up to its day alone."""

    def __init__(self, inputs: Inputs, context: StageContext) -> None:
        self.day = context.day
        self._inputs, self._context = inputs, context
        self._ledger = context.resources.trials

    @property
    def record(self) -> TrialRecord:
        return TrialRecord(self._ledger.rows(), self.day)

    def judge_night(self, trained: TrainedNight, left_out: str) -> NightsVerdict:
        """Registers the procedure and the night, and judges both; `left_out` says what of the day does not
        count."""
        from huracan_resources.procedures import procedure_in_force
        from huracan_resources.trials import had_candles

        store = self._context.resources.lake.store
        procedure = self.register(procedure_in_force(self._context.settings, store))
        chance = self._context.settings.promotion.contradiction_chance
        compared = trained.compare(procedure.digest, self.record, chance)
        content = trained.row(self.day, procedure.digest, compared)
        self._ledger.append(NIGHT, f"{self.day}:{content['model_id']}", content)
        evidence = self.record.evidence(procedure.digest, had_candles(self._context.resources.lake))
        judged = self._judged(procedure, evidence)
        earned = judge_procedure(procedure, judged, self._context.settings.promotion)
        is_fit = not (compared.contradicts or trained.is_remade)
        tonight = Night(day=self.day, procedure=procedure.digest, is_earned=earned.is_earned, is_fit=is_fit)
        acts, decided = self.decide(tonight)
        generator = np.random.default_rng(self.day.toordinal())
        told = track_record(judged, trained.seeds, generator)
        is_promoted = any(act.is_tonights for act in acts)
        night = JudgedNight(earned, compared, told, decided, is_promoted, left_out)
        verdict = verdict_of_night(trained, night)
        return NightsVerdict(verdict, acts, procedure, evidence, tuple(each.reason for each in told))

    def register(self, procedure: Procedure) -> Registered:
        """The procedure as it was registered, which it is now where it was not before."""
        record = self.record
        if record.registered(procedure.digest) is None:
            told = {"settings": dict(procedure.settings), "behaviour": procedure.behaviour}
            now = datetime.now(UTC)
            content = registration(procedure.digest, record, procedure.symbols, now, told)
            self._ledger.append(PROCEDURE, procedure.digest, content)
        registered = self.record.registered(procedure.digest)
        assert registered is not None  # it is now
        return registered

    def record_paper_days(self) -> str:
        """Records what the day came to for the procedure that was to trade it, and for the champion that goes
        on beside it, unless that was recorded before; in a sentence what of it does not count."""
        record, market = self.record, self._context.settings.market
        champion = champion_before(record.rows, self.day)
        frozen = PaperResult(self._inputs, self._context, CHAMPION, market.rules, market.costs)
        if champion is not None and frozen.is_traded:
            bundle = json.loads(self._inputs.file(CHAMPION, CHAMPION_FILE) or b"{}")
            own = PaperResult(self._inputs, self._context, CHAMPION, *rules_of(bundle))
            earlier = record.results(champion.procedure, CHAMPION_DAY)
            held_out = record.held_out_usd(champion.procedure)
            self._record_day(CHAMPION_DAY, champion.procedure, own.result(earlier, held_out))
        book = PaperResult(self._inputs, self._context, GATED, market.rules, market.costs)
        if not book.is_traded:
            return ""
        owner = record.owner(self.day)
        if owner is None:
            # The first night says already which day will be the first.
            is_first = all(night >= self.day for night in record.nights)
            told = f"{self.day} was traded by brains of no one procedure alone: it is no evidence."
            return "" if is_first else told
        result = book.result(record.results(owner), record.held_out_usd(owner))
        return self._record_day(DAY, owner, result)

    def _judged(self, procedure: Registered, evidence: Evidence) -> Judged:
        others = self.record.others(procedure.digest, self._context.settings.universe.symbols)
        return Judged(evidence, others, procedure.number)

    def decide(self, night: Night) -> tuple[tuple[Act, ...], str]:
        """What the night writes down, and what it comes to for tonight's brain."""
        rows = self._ledger.rows()
        if any(row.content["day"] > self.day.isoformat() for row in rows if is_by_night(row)):
            return (), "A later night has decided what is in force: this one changes nothing."
        # A night that runs again decides by what stood before it.
        decisions = TrialRecord(rows, self.day - timedelta(days=1)).decisions
        state = in_force(decisions)
        if state is not None:
            days = self.record.champion_results(state.procedure, state.since)
            night = replace(night, evidence_against_champion=against(days))
            if night.procedure is not None:
                night = self._challenge(night, state, challenge(decisions, night.procedure).since)
        return decide(decisions, night)

    def _challenge(self, night: Night, champion: InForce, since: date | None) -> Night:
        told = json.loads(self._inputs.file(CHAMPION, CHAMPION_FILE) or b"{}")
        night = replace(night, why_not_executed=told.get("why_not", ""))
        if since is None or night.procedure is None:
            return night
        frozen = self.record.results(champion.procedure, CHAMPION_DAY)
        return replace(night, challenge=paired_bet(self.record.results(night.procedure), frozen, since))

    def _record_day(self, kind: str, procedure: str, result: DayResult) -> str:
        content = {"procedure": procedure, **result.plain()}
        stands = dict(self._ledger.append(kind, f"{procedure}:{self.day}", content).content)
        if DayResult.read(stands) == result:
            return ""
        return (
            f"{self.day} came to {result.result_usd:+.2f} USD when it was made again; what counts is what"
            f" was recorded first, {stands['result_usd']:+.2f} USD."
        )
