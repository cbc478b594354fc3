"""Brains really trained on markets in which there is nothing to learn: nights, days on paper, verdicts.

Every night trains on the days before it and trades the next day, as a night does: the handover in the small
hours, accounts carried over midnight, the ledger of trials with its rows. Reduced are the bars (hours), the
columns (a few of past prices, and noise), the window, the steps and the network; no gate stands in the way.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa

from huracan.agent.config import PPOConfig, TrainingConfig
from huracan.agent.night.train import train_policy
from huracan.agent.policy.checkpoint import load_policy
from huracan.candles.schema import day_start
from huracan.ensemble.columns import SIGNALS_SCHEMA
from huracan.market.block import MS_PER_MINUTE, MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.paper.carrying import Carried
from huracan.market.paper.open_columns import OPEN_POSITIONS_SCHEMA
from huracan.market.paper.provenance import Provenance
from huracan.market.paper.session import Session, trade_session
from huracan.market.paper.watch import BEFORE_ALL, Watch
from huracan.market.rules import TradingRules
from huracan.market.what_if.shifted_schedule import Schedule, mean_rival_gross_usd
from huracan.promotion.champion import PROMOTE, Night, decide
from huracan.promotion.criteria import Judged
from huracan.promotion.day import DayBook, DayResult
from huracan.promotion.night import TrainedNight
from huracan.promotion.paper_day import PaperDay
from huracan.promotion.record import TrialRecord, registration
from huracan.promotion.settings import SPAN_DAYS, PromotionConfig
from huracan.promotion.trial_rows import DAY, NIGHT, PROCEDURE, TrialRow
from huracan.promotion.verdict import judge_procedure
from huracan.proof.promotion.null_markets import BARS_PER_DAY, Kind, NullMarketConfig, null_market
from huracan.proof.promotion.nulls import FREE
from huracan.proof.proof_table import Bar
from huracan.units import WHOLE_BPS

_LOOKS_BACK = (1, 3, 6, 24)
_NOISE = 2
_HANDOVER_MINUTES = 4 * 60
_LEAD_DAYS = 2
"""Before a day's bars, for what was held when it began."""
_KINDS: tuple[Kind, ...] = ("still", "clustered")
_DIGEST = "0" * 64
"""The one procedure of a market."""


@dataclass(frozen=True)
class TrainedSettings:
    """The full proof, at a reduced size."""

    markets: int = 20
    nights: int = 60
    first_seed: int = 70_001
    rules: TradingRules = field(
        default_factory=lambda: TradingRules(allow_short=True, maximum_holding="12h", volatility_horizon="6h")
    )
    training: TrainingConfig = field(
        default_factory=lambda: TrainingConfig(
            seed_count=1,
            total_steps=131_072,
            lanes=64,
            episode="2d",
            window_days=30,
            held_out_days=5,
            minimum_training_days=20,
            initial_bias=-1.0,
            threads=1,
            ppo=PPOConfig(hidden=(32, 32), half_life="12h", rollout_steps=24, epochs=4),
        )
    )
    limits: PromotionConfig = field(default_factory=PromotionConfig)


@dataclass(frozen=True)
class TrainedRow:
    """The nights of one market."""

    market: str
    costs: str
    seed: int
    nights: int
    """That trained a brain."""
    days: int
    """Of evidence."""
    trades: int
    net_usd: float
    highest_result: float
    """Evidence of the first bet at its highest."""
    highest_skill: float
    contradicted: int
    """Nights whose weights contradicted the ledger."""
    promoted_on: int | None
    """The how-many-th night; None where none was."""


def prove_trained(
    settings: TrainedSettings, on_row: Callable[[TrainedRow], None] | None = None
) -> tuple[TrainedRow, ...]:
    """Every market without costs, where nothing keeps a brain from trading, then every one with the usual
    costs. The same settings give the same rows."""
    rows = []
    for costs in ("none", "usual"):
        for seed in range(settings.first_seed, settings.first_seed + settings.markets):
            kind = _KINDS[seed % len(_KINDS)]
            paid = FREE if costs == "none" else CostAssumptions()
            rows.append(_Nights(settings, kind, seed, paid).judged(costs))
            if on_row is not None:
                on_row(rows[-1])
    return tuple(rows)


def trained_bars(rows: tuple[TrainedRow, ...]) -> tuple[Bar, ...]:
    """None may be promoted."""
    promoted = sum(row.promoted_on is not None for row in rows)
    return (Bar("trained", "markets in which a trained brain was promoted", promoted, 0, promoted == 0),)


def seen(block: MarketBlock, generator: np.random.Generator) -> MarketBlock:
    """The market with columns of what had happened at each close, and some that say nothing."""
    log_price = np.log(block.close)
    columns = [block.volatility_bps]
    for bars in _LOOKS_BACK:
        before = np.concatenate([np.repeat(log_price[:, :1], bars, axis=1), log_price[:, :-bars]], axis=1)
        columns.append((log_price - before) * WHOLE_BPS)
    columns += [generator.standard_normal(log_price.shape) for _ in range(_NOISE)]
    names = ("volatility_bps", *(f"return_{bars}_bps" for bars in _LOOKS_BACK), "noise_1", "noise_2")
    return replace(block, feature_names=names, features=np.stack(columns, axis=-1).astype(np.float32))


@dataclass(frozen=True, eq=False)
class _Nights:
    """Of one market."""

    settings: TrainedSettings
    kind: Kind
    seed: int
    costs: CostAssumptions

    def judged(self, costs: str) -> TrainedRow:
        block = self._block()
        rows, promoted = list[TrialRow](), list[int]()
        symbols, first = block.symbols, block.days[self.settings.training.window_days - 1]
        opened = datetime.combine(first, datetime.min.time(), UTC)
        content = registration(_DIGEST, TrialRecord(rows, first), symbols, opened, {})
        rows.append(TrialRow.after(rows, PROCEDURE, _DIGEST, content))
        for number, (day, trained, paper) in enumerate(self._played(block), 1):
            record = TrialRecord(rows, day)
            if paper is not None and record.owner(day) is not None:
                before = list(record.results(_DIGEST).values())
                result = paper(before, record.held_out_usd(_DIGEST))
                told = {"procedure": _DIGEST, **result.plain()}
                rows.append(TrialRow.after(rows, DAY, f"{_DIGEST}:{day}", told))
            record = TrialRecord(rows, day)
            compared = trained.compare(_DIGEST, record, self.settings.limits.contradiction_chance)
            rows.append(TrialRow.after(rows, NIGHT, f"{day}", trained.row(day, _DIGEST, compared)))
            evidence = TrialRecord(rows, day).evidence(_DIGEST, lambda _: True)
            registered = TrialRecord(rows, day).registered(_DIGEST)
            assert registered is not None  # its row is the first
            earned = judge_procedure(registered, Judged(evidence), self.settings.limits)
            night = Night(
                day=day, procedure=_DIGEST, is_earned=earned.is_earned, is_fit=not compared.contradicts
            )
            if any(act.act == PROMOTE for act in decide((), night)[0]):
                promoted.append(number)
        traded = evidence.traded
        return TrainedRow(
            market=self.kind,
            costs=costs,
            seed=self.seed,
            nights=number,
            days=len(traded),
            trades=sum(each.trades for each in traded),
            net_usd=float(sum(each.result_usd for each in traded)),
            highest_result=evidence.result.highest,
            highest_skill=evidence.skill.highest,
            contradicted=sum(row.content["contradicts"] for row in rows if row.kind == NIGHT),
            promoted_on=min(promoted, default=None),
        )

    def _block(self) -> MarketBlock:
        days = self.settings.training.window_days + self.settings.nights
        config = NullMarketConfig(kind=self.kind, days=days, seed=self.seed)
        return seen(null_market(config), np.random.default_rng([self.seed, 8]))

    def _played(self, block: MarketBlock) -> "Iterator[tuple[date, TrainedNight, _Paper | None]]":
        """Every night: its day, its brain, and what the day came to on paper, which brains of nights before
        traded."""
        watches, carried, trades = list[Watch](), None, list[pa.Table]()
        window = self.settings.training.window_days
        for night in range(self.settings.nights):
            last = window - 1 + night
            day = block.days[last]
            paper = None
            if watches:
                session = self._traded(block, last, watches, carried)
                trades = [*trades, session.trades][-SPAN_DAYS:]
                paper = _Paper(self, block, day, session, carried, pa.concat_tables(trades))
                carried = Carried(session.open_positions)
            own = block.slice_days(block.days[last - window + 1], day)
            config = replace(self.settings.training, seed=self.seed)
            trained = train_policy(own, config, self.settings.rules, self.costs)
            report = trained.report | {"model_id": trained.model_id}
            yield day, TrainedNight(report, True, False), paper
            begins = int(day_start(day + timedelta(days=1)).timestamp() * 1000)
            since = begins + _HANDOVER_MINUTES * MS_PER_MINUTE
            before = replace(watches[-1], from_ms=BEFORE_ALL) if watches else Watch(None, None)
            watches = [before, Watch(load_policy(trained.checkpoint), trained.model_id, since)]

    def _traded(self, block: MarketBlock, day: int, watches: list[Watch], carried: Carried | None) -> Session:
        """From the last close of the day before on."""
        own = block.slice(day * BARS_PER_DAY - 1, (day + 1) * BARS_PER_DAY - 1)
        made_by = Provenance(watches[-1].model_id or "", "null", "proof", True)
        return trade_session(own, watches, self.settings.rules, self.costs, made_by, carried)


@dataclass(frozen=True, eq=False)
class _Paper:
    """A day that was traded."""

    nights: _Nights
    block: MarketBlock
    day: date
    session: Session
    carried: Carried | None
    pooled: pa.Table
    """TRADES_SCHEMA of the trailing days."""

    def __call__(self, before: list[DayResult], held_out_usd: list[float]) -> DayResult:
        session, rules, costs = self.session, self.nights.settings.rules, self.nights.costs
        nothing = OPEN_POSITIONS_SCHEMA.empty_table()
        accounts_before = nothing if self.carried is None else self.carried.accounts
        accounts = session.open_positions
        book = DayBook(session.trades, session.fills, session.bars, accounts, accounts_before)
        said = SIGNALS_SCHEMA.empty_table()
        symbols, rivals = self.block.symbol_count, self._rival_gross_usd(len(before) + 1)
        paper = PaperDay(self.day, book, rules, costs, symbols, rivals, said).result(before, held_out_usd)
        return replace(paper, alone_usd=float(np.sum(session.bars["result_usd"].to_numpy())))

    def _rival_gross_usd(self, days: int) -> float:
        block = self.block.slice_days(self.day - timedelta(days=_LEAD_DAYS), self.day)
        schedule = Schedule.of_tables(self.pooled, self.session.open_positions, block)
        first, last = block.bar_count - BARS_PER_DAY, block.bar_count - 1
        bars = min(days, SPAN_DAYS) * BARS_PER_DAY
        return mean_rival_gross_usd(schedule, block, self.nights.settings.rules, first, last, bars)
