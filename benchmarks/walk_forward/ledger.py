"""A case's lake: the market of its days as a block, and what the policy did on them."""

import os
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import dropwhile, takewhile
from typing import Any

import numpy as np
import pyarrow as pa

from huracan.candles.market_info import MARKET_INFO_FILE, MarketInfo, market_infos_from_json
from huracan.durations import minutes_of
from huracan.market.actions import action_names
from huracan.market.block import EPOCH, MarketBlock
from huracan.market.block_tables import Trailing, build_market_block
from huracan_assets.inputs.recipes import recipe_for
from huracan_assets.inputs.windows import lead_candle_days
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.store import LocalStore
from huracan_resources.settings.settings import Settings
from walk_forward.contestants import POLICY, Contestant, Signals, TradedDays
from walk_forward.nights import CaseRun

LEDGER, SESSION = "shadow_trades", "session.parquet"


@dataclass(frozen=True, eq=False)
class PolicyDays:
    """The policy on the traded days, and how many of them were traded by nobody."""

    contestant: Contestant
    signals: Signals
    untraded: int
    exit_reasons: dict[str, int]


def settings_of(run: CaseRun) -> Settings:
    """The settings of the case's home."""
    from huracan_console.configuring.given import read_settings

    os.environ["HURACAN_HOME"] = str(run.home)
    given = run.case.settings(run.folder / "candles", run.history_first())
    return read_settings(tuple(f"{key}={value}" for key, value in given.items()))


def lake_of(run: CaseRun) -> Lake:
    """The lake of the case's home."""
    return Lake(LocalStore(run.home / "lake"))


def done_days(run: CaseRun, lake: Lake) -> list[date]:
    """The days whose nights are done, in a row, from the first that a policy traded: before it a history
    may have been too short to train on."""
    held = set(lake.days("baseline_brain"))
    done = takewhile(lambda day: day in held, run.days)
    return list(dropwhile(lambda day: SESSION not in lake.require(LEDGER, day).files, done))


def read_block(lake: Lake, days: list[date], settings: Settings) -> MarketBlock:
    """The market of these days with the features that lie in the lake, without patterns."""
    candles = {day: lake.read_table("ohlcv", day) for day in days}
    lead = [days[0] - timedelta(days=back) for back in range(lead_candle_days(settings), 0, -1)]
    before = [lake.read_table("ohlcv", day) for day in lead if lake.manifest("ohlcv", day)]
    trailing = Trailing(
        pa.concat_tables(before, promote_options="default") if before else None,
        minutes_of(settings.market.rules.volatility_horizon),
    )
    return build_market_block(
        pa.concat_tables(candles.values(), promote_options="default"),
        (lake.read_table("features", day) for day in days),
        pa.concat_tables([lake.read_table("regimes", day) for day in days], promote_options="default"),
        recipe_for(settings).names,
        market_infos={day: _costs(lake, day) for day in days},
        trailing=trailing,
    )


def _costs(lake: Lake, day: date) -> dict[str, MarketInfo]:
    lake.require("market_costs", day)
    return market_infos_from_json(lake.read_file("market_costs", day, MARKET_INFO_FILE))


def traded_days_of(block: MarketBlock, first: date, settings: Settings) -> TradedDays:
    """The part of `block` from the last decision before `first` on."""
    begins = int(np.flatnonzero(block.day_index >= (first - EPOCH).days)[0]) - block.decision_bars
    part = block.slice(begins, block.bar_count - 1)
    return TradedDays(part, settings.market.rules, settings.market.costs)


def read_policy(lake: Lake, days: list[date], traded: TradedDays) -> PolicyDays:
    """What the policy did; a day without a ledger brought nothing."""
    block = traded.block
    daily, held, rows, untraded = np.zeros(len(days)), 0, 0, 0
    trades, fills = [], []
    for index, day in enumerate(days):
        manifest = lake.require(LEDGER, day)
        if SESSION not in manifest.files:
            untraded += 1
            continue
        session = lake.read_table(LEDGER, day, "session")
        daily[index] = float(np.nansum(_numbers(session, "result_usd")))
        held += int((_numbers(session, "position_value_usd") != 0).sum())
        rows += session.num_rows
        trades.append(lake.read_table(LEDGER, day))
        fills.append(lake.read_table(LEDGER, day, "fills"))
    closed, filled = _joined(trades), _joined(fills)
    entered = _numbers(closed, "quantity") * _numbers(closed, "entry_reference_price")
    reasons = closed["exit_reason"].to_pylist() if closed.num_rows else []
    contestant = Contestant(
        POLICY,
        trades=float(closed.num_rows),
        daily_usd=daily,
        closed_net_usd=float(_numbers(closed, "net_usd").sum()),
        entered_usd=float(entered.sum()),
        turned_over_usd=float((_numbers(filled, "quantity") * _numbers(filled, "price")).sum()),
        fee_usd=float(_numbers(closed, "fee_usd").sum()),
        held_share=held / max(1, rows),
    )
    counted = {reason: reasons.count(reason) for reason in sorted(set(reasons))}
    return PolicyDays(contestant, _signals(closed, block, traded), untraded, counted)


def _signals(closed: pa.Table, block: MarketBlock, traded: TradedDays) -> Signals:
    """The entries of trades that were decided on the block's days."""
    if not closed.num_rows:
        none = np.zeros(0, np.int64)
        return Signals(none, none, none, none)
    names = list(action_names(traded.rules.allow_short))
    symbol = np.array([block.symbols.index(each) for each in closed["symbol"].to_pylist()], np.int64)
    # A signal's time is the close at which was decided: the open of the bar after.
    time = closed["signal_time"].cast(pa.int64()).to_numpy()
    bar = (time - block.open_time_ms[0]) // block.bar_ms - 1
    entry = np.array([names.index(each) for each in closed["action"].to_pylist()], np.int64)
    held = closed["bars_held"].to_numpy().astype(np.int64)
    inside = (bar >= block.decision_bars - 1) & (bar < block.bar_count - 1)
    return Signals(symbol[inside], bar[inside], entry[inside], held[inside])


def _joined(tables: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables, promote_options="default") if tables else pa.table({})


def _numbers(table: pa.Table, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    if name not in table.column_names:
        return np.zeros(0)
    return np.asarray(table[name].cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
