"""The outage of Binance on 2023-03-24 in real candles: told as it was, and no paper trade fills in it."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from huracan.candles.quality import DayOfCandles, assemble_day, judge_day
from huracan.candles.schema import FLAT, MISSING, QUARANTINED, Timeframe
from huracan.features.compute import compute_features
from huracan.features.recipe import recipe_of
from huracan.market.actions import action_names
from huracan.market.block_tables import build_market_block
from huracan.market.costs import CostAssumptions
from huracan.market.ledger import DATA_GAP
from huracan.market.paper.conservation import judge_ledger
from huracan.market.paper.provenance import Provenance
from huracan.market.paper.session import Session, trade_session
from huracan.market.policy import ScriptedPolicy
from huracan.market.rules import TradingRules
from huracan_resources.candles.files import CandleFiles

MINUTE = Timeframe("1m")
RECIPE = recipe_of(MINUTE, MINUTE)
OUTAGE = date(2023, 3, 24)
SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")


@pytest.fixture(scope="module")
def days(real_data: Path) -> list[DayOfCandles]:
    """The outage with the two days before it, that features need to warm up."""
    files = CandleFiles(real_data, MINUTE, "binance")
    asked = [OUTAGE - timedelta(days=back) for back in (2, 1, 0)]
    return [
        assemble_day({symbol: files.fetch_day(symbol, day) for symbol in SYMBOLS}, day, MINUTE)
        for day in asked
    ]


@pytest.fixture(scope="module")
def session(days: list[DayOfCandles]) -> Session:
    """The outage traded by a policy that tries something in every bar."""
    ohlcv = days[-1].ohlcv
    features = compute_features(pa.concat_tables([day.ohlcv for day in days]), OUTAGE, RECIPE)
    even = pa.array(np.full(features.num_rows, 0.25, np.float32))
    regimes = pa.table(
        {
            "symbol": features["symbol"],
            "open_time": features["open_time"],
            "regime": pa.array(["range"] * features.num_rows),
            **{f"probability_{name}": even for name in ("trend", "range", "high_volatility", "panic")},
        }
    )
    block = build_market_block(ohlcv, features, regimes, RECIPE.names)
    script = np.random.default_rng(7).integers(0, len(action_names(False)), (1440, len(SYMBOLS)))
    policy = ScriptedPolicy(script, is_lenient=True)
    provenance = Provenance("scripted", "data", "configuration", False)
    return trade_session(block, policy, TradingRules(), CostAssumptions(), provenance)


def test_the_minutes_of_the_outage_are_marked_as_what_they_were(days: list[DayOfCandles]) -> None:
    for symbol in SYMBOLS:
        rows = days[-1].ohlcv.filter(pc.equal(days[-1].ohlcv["symbol"], symbol))
        status = rows["status"].to_pylist()
        assert len(status) == 1440
        assert (status.count(MISSING), status.count(FLAT), status.count(QUARANTINED)) == (80, 72, 0)
        missing = rows.filter(pc.equal(rows["status"], MISSING))
        assert all(missing[name].null_count == 80 for name in ("open", "high", "low", "close", "volume"))
        flat = rows.filter(pc.equal(rows["status"], FLAT))
        assert pc.sum(flat["volume"]).as_py() == 0.0


def test_the_check_lets_the_outage_pass_and_says_what_is_missing(days: list[DayOfCandles]) -> None:
    continuity = judge_day(days[-1], MINUTE).verdicts[0]
    assert continuity.check == "candle_continuity" and continuity.passed
    for symbol in SYMBOLS:
        assert f"{symbol}: 80 minutes missing from 12:40" in continuity.reason
    assert continuity.reason.count("72 flat") == 3
    assert (continuity.numbers["missing_bars"], continuity.numbers["flat_bars"]) == (240, 216)
    calm = judge_day(days[0], MINUTE).verdicts[0]
    assert "missing" not in calm.reason


def test_no_paper_trade_is_filled_in_a_minute_without_trades(
    days: list[DayOfCandles], session: Session
) -> None:
    ohlcv, trades = days[-1].ohlcv, session.trades
    dead = ohlcv.filter(pc.is_in(ohlcv["status"], pa.array([MISSING, FLAT])))
    silent = set(zip(dead["symbol"].to_pylist(), dead["open_time"].to_pylist(), strict=True))
    assert len(silent) == 3 * 152
    # What was held for longer than a position may be without a trade is given up inside the silence, by name.
    for table, time, reason in (
        (trades, "entry_time", "exit_reason"),
        (trades, "exit_time", "exit_reason"),
        (session.fills, "time", "kind"),
    ):
        ordered = table if time == "entry_time" else table.filter(pc.not_equal(table[reason], DATA_GAP))
        filled = set(zip(ordered["symbol"].to_pylist(), ordered[time].to_pylist(), strict=True))
        assert filled and not filled & silent, time
    given_up = trades.filter(pc.equal(trades["exit_reason"], DATA_GAP))
    assert given_up["bars_held"].to_pylist() == [121]
    assert judge_ledger(session, TradingRules(), ohlcv).passed


def test_the_day_of_the_outage_is_traded_before_and_after_it(session: Session) -> None:
    entries = session.trades["entry_time"].to_pylist()
    begin, end = (datetime(2023, 3, 24, *clock, tzinfo=UTC) for clock in ((11, 28), (14, 0)))
    assert sum(at < begin for at in entries) > 100
    assert sum(at >= end for at in entries) > 100
