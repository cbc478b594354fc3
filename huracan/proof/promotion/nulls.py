"""Does the verdict promote anybody without skill? Whole years of sessions, judged night by night."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pyarrow as pa

from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.promotion.settings import PromotionConfig
from huracan.proof.promotion.judged_nights import JudgedYear, PaperYear, judge_year
from huracan.proof.promotion.mirrored import mirrored_market
from huracan.proof.promotion.null_markets import Kind, NullMarketConfig, null_market
from huracan.proof.promotion.skillless import SKILLLESS, Skillless, play
from huracan.proof.proof_table import Bar

FREE = CostAssumptions(taker_fee_bps=0.0, half_spread_bps=0.0, slippage_coefficient=0.0)
_KINDS: tuple[Kind, ...] = ("still", "clustered")


@dataclass(frozen=True)
class NullSettings:
    """The full proof."""

    markets: int = 400
    days: int = 365
    procedures: int = 10
    """That follow one another in a year, beside one for the whole of it."""
    maximum_share: float = 0.03
    """Of the years in which anything may be promoted: 12 of 400 are surely fewer than 5 %."""
    first_seed: int = 30_001
    limits: PromotionConfig = field(default_factory=PromotionConfig)
    candles: pa.Table | None = None
    """Real hourly candles (as `mirrored` takes them), of which every market is then made."""


@dataclass(frozen=True)
class NullRow:
    """A policy without skill, over all markets."""

    policy: str
    costs: str
    """`none` or `usual`."""
    markets: int
    promoted: int
    """Years in which one procedure, kept for all nights, was."""
    promoted_in_turn: int
    """Years in which any of several that followed one another was."""
    first_bet: int
    """Years in which the bet on the results alone would have reached its bar."""
    share_beyond: float
    """Of the days that lost more than their unit."""
    mean_year_usd: float
    standard_error_usd: float
    """Of that mean: nobody has an expectation above 0 here."""


CASES: tuple[tuple[Skillless, Kind | None, str], ...] = (
    *((name, None, "none") for name in SKILLLESS),
    ("long", "drifting", "none"),
    *((name, None, "usual") for name in SKILLLESS),
)
"""Policy, market (None: still and clustered ones by turns) and costs."""


def prove_nulls(
    settings: NullSettings, on_row: Callable[[NullRow], None] | None = None
) -> tuple[NullRow, ...]:
    """A row for each of the cases; the same settings give the same rows."""
    rows = []
    # Whatever real candles do, turned over they do not drift.
    for case in (each for each in CASES if settings.candles is None or each[1] is None):
        rows.append(_row(case, settings))
        if on_row is not None:
            on_row(rows[-1])
    return tuple(rows)


def null_bars(rows: tuple[NullRow, ...], settings: NullSettings) -> tuple[Bar, ...]:
    """Of the worst policy, kept and in turn."""
    found = []
    for what, values in (
        ("one procedure", [row.promoted / row.markets for row in rows]),
        (f"{settings.procedures} procedures in turn", [row.promoted_in_turn / row.markets for row in rows]),
    ):
        worst = max(values)
        is_met = worst <= settings.maximum_share
        found.append(Bar("nulls", f"share promoted, {what}", worst, settings.maximum_share, is_met))
    return tuple(found)


def _row(case: tuple[Skillless, Kind | None, str], settings: NullSettings) -> NullRow:
    name, _, costs = case
    years = list(_years(case, settings))
    totals = np.array([total for total, _, _ in years])
    return NullRow(
        policy=name if case[1] is None else f"{name}, {case[1]} market",
        costs=costs,
        markets=len(years),
        promoted=sum(kept.promoted_on is not None for _, kept, _ in years),
        promoted_in_turn=sum(in_turn for _, _, in_turn in years),
        first_bet=sum(kept.result_reached for _, kept, _ in years),
        share_beyond=float(np.mean([kept.share_beyond for _, kept, _ in years])),
        mean_year_usd=float(totals.mean()),
        standard_error_usd=float(totals.std(ddof=1) / np.sqrt(totals.size)) if totals.size > 1 else 0.0,
    )


def _years(
    case: tuple[Skillless, Kind | None, str], settings: NullSettings
) -> Iterator[tuple[float, JudgedYear, bool]]:
    """Of every market: what the year made, the verdict on one procedure, and whether any of several in turn
    was promoted."""
    name, kind, costs = case
    paid = FREE if costs == "none" else CostAssumptions()
    for index in range(settings.markets):
        seed = settings.first_seed + index
        block = _market(kind, index, settings)
        year = PaperYear(block, play(name, block, paid, np.random.default_rng([seed, 5])), paid)
        kept = judge_year(year, 1, 0, year.days, settings.limits)
        edges = np.linspace(0, year.days, settings.procedures + 1).astype(int).tolist()
        in_turn = any(
            judge_year(year, number, first, end, settings.limits).promoted_on is not None
            for number, (first, end) in enumerate(pairwise(edges), 1)
        )
        yield float(year.results.sum()), kept, in_turn


def _market(kind: Kind | None, index: int, settings: NullSettings) -> MarketBlock:
    seed = settings.first_seed + index
    if settings.candles is not None:
        return mirrored_market(settings.candles, settings.days, seed)
    own = _KINDS[index % len(_KINDS)] if kind is None else kind
    return null_market(NullMarketConfig(kind=own, days=settings.days, seed=seed))
