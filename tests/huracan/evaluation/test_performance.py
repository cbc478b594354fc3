from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from huracan.errors import InvalidInput
from huracan.evaluation.equity import chained_equity, period_returns_bps, portfolio_equity, worst_drawdown_usd
from huracan.evaluation.performance import (
    PERFORMANCE_SCHEMA,
    judge_performance,
    performance_table,
    summarise_performance,
)
from huracan.evaluation.sharpe import measure_returns, sharpe_standard_error
from huracan.market.actions import ENTER_FULL_INDEX
from huracan.market.ledger import SESSION_SCHEMA, TRADES_SCHEMA
from huracan.market.rules import TradingRules
from tests.huracan.analysis.shadow_days import BARS, day_block, trade

START = datetime(2025, 3, 1, tzinfo=UTC)


def session(
    equity: dict[str, list[float]],
    start: datetime = START,
    held: float = 0.0,
    opening: dict[str, float] | None = None,
) -> pa.Table:
    """Bars of half an hour; an account opens with what it has at its first bar, or as `opening` says."""
    rows, opening = [], opening or {}
    for symbol, values in equity.items():
        for bar, value in enumerate(values):
            rows.append(
                {
                    "symbol": symbol,
                    "open_time": start + timedelta(minutes=30 * bar),
                    "equity_usd": value,
                    "result_usd": value - (values[bar - 1] if bar else opening.get(symbol, value)),
                    "position_value_usd": held if bar == 1 else 0.0,
                }
            )
    return pa.Table.from_pylist(rows, schema=SESSION_SCHEMA)


def trades_of(net: list[float], symbols: list[str], regimes: list[str]) -> pa.Table:
    rows = []
    for number, (usd, symbol, regime) in enumerate(zip(net, symbols, regimes, strict=True)):
        rows.append(
            {
                "trade_id": f"t{number}",
                "symbol": symbol,
                "regime": regime,
                "exit_time": START + timedelta(hours=number),
                "notional_usd": 1000.0,
                "gross_usd": usd + 2.0,
                "fee_usd": 1.0,
                "spread_usd": 0.5,
                "slippage_usd": 0.75,
                "funding_usd": -0.25,
                "net_usd": usd,
                "net_bps": usd * 10.0,
                "bars_held": 10 * (number + 1),
            }
        )
    return pa.Table.from_pylist(rows, schema=TRADES_SCHEMA)


def test_figures_of_three_trades_by_hand() -> None:
    summary = summarise_performance(trades_of([4.0, -6.0, 3.0], ["A", "A", "B"], ["trend"] * 3))
    assert summary.trades == 3
    assert summary.win_rate == pytest.approx(2 / 3)
    assert summary.net_usd == pytest.approx(1.0)
    assert summary.cost_usd == pytest.approx(6.0)
    assert summary.profit_factor == pytest.approx(7 / 6)
    assert summary.cost_share == pytest.approx(6 / 11)
    assert summary.mean_bars_held == 20.0
    assert summary.traded_usd == 6000.0
    assert summary.maximum_drawdown_usd == pytest.approx(6.0)
    assert summary.sharpe == pytest.approx(np.mean([40, -60, 30]) / np.std([40, -60, 30], ddof=1))
    assert summary.exposure is None and summary.sharpe_annual is None


def test_a_day_without_trades_says_so_without_inventing_figures() -> None:
    summary = summarise_performance(trades_of([], [], []))
    assert (summary.trades, summary.net_usd, summary.win_rate, summary.sharpe) == (0, 0.0, None, None)
    assert summarise_performance(trades_of([], [], []), [SESSION_SCHEMA.empty_table()]) == summary
    assert performance_table(trades_of([], [], [])).num_rows == 1


def test_a_flat_day_has_no_sharpe_ratio_and_two_nearly_equal_returns_have_one_with_its_error() -> None:
    flat = summarise_performance(trades_of([], [], []), [session({"A": [100] * 8})])
    assert flat.observations > 1
    assert (flat.sharpe, flat.sharpe_standard_error, flat.sharpe_annual) == (None, None, None)
    # Rounding makes their skewness and kurtosis such as no distribution has.
    moments = measure_returns(np.array([86.7537813271774, 86.75378238090488]))
    assert 0.0 < sharpe_standard_error(moments) < np.inf


def test_the_portfolio_is_the_sum_of_its_accounts() -> None:
    bars = session({"A": [100, 101, 99, 105], "B": [100, 100, 100, 90]}, held=50.0)
    times, equity = portfolio_equity(bars)
    assert equity.tolist() == [200, 200, 201, 199, 195]
    assert np.diff(times).tolist() == [1_800_000] * 3
    assert worst_drawdown_usd(equity) == 6.0
    assert worst_drawdown_usd(equity[:0]) == 0.0
    # Hours end at bars 1 and 3: 200 -> 201 -> 195.
    assert period_returns_bps([bars], 60) == pytest.approx([50.0, -300.0])
    summary = summarise_performance(trades_of([1.0], ["A"], ["range"]), [bars])
    assert summary.maximum_drawdown_pct == pytest.approx(3.0)
    assert summary.exposure == pytest.approx(0.25)
    assert summary.turnover == pytest.approx(10.0)
    assert summary.sharpe_annual == pytest.approx(summary.sharpe * np.sqrt(365 * 24))


def test_a_day_opens_with_what_the_day_before_left_and_its_first_bar_counts() -> None:
    first = session({"A": [100, 100, 100, 150]})
    second = session({"A": [145, 150, 140, 160]}, START + timedelta(days=1), opening={"A": 150})
    assert portfolio_equity(second)[1].tolist() == [150, 145, 150, 140, 160]
    assert chained_equity([first, second])[1].tolist() == [100, 100, 100, 100, 150, 145, 150, 140, 160]
    days = [summarise_performance(trades_of([], [], []), [each]).result_usd for each in (first, second)]
    assert days == [50.0, 10.0]
    assert summarise_performance(trades_of([], [], []), [first, second]).result_usd == 60.0


def test_a_symbol_that_left_the_universe_counts_with_its_one_bar() -> None:
    there = session({"A": [100, 100, 101, 102]})
    gone = session({"B": [97]}, opening={"B": 100})
    assert portfolio_equity(pa.concat_tables([there, gone]))[1].tolist() == [200, 197, 197, 198, 199]


def test_the_cash_put_back_each_morning_of_versions_before_is_no_return() -> None:
    first = session({"A": [100, 100, 100, 150]}).drop(["result_usd"])
    second = session({"A": [100, 100, 90, 90]}, START + timedelta(days=1)).drop(["result_usd"])
    both = pa.concat_tables([second, first])
    assert portfolio_equity(both)[1].tolist() == [100, 100, 100, 100, 150, 150, 150, 140, 140]
    assert period_returns_bps([both], 60) == pytest.approx([0.0, 5000.0, 0.0, -1000.0])
    assert np.array_equal(period_returns_bps([second, first], 60), period_returns_bps([both], 60))
    assert summarise_performance(trades_of([], [], []), [both]).maximum_drawdown_usd == 10.0


def test_days_of_different_symbols_are_chained_by_their_gains() -> None:
    first = session({"A": [100, 110, 110, 110]})
    second = session({"A": [100, 100, 100, 95], "B": [100, 100, 100, 100]}, START + timedelta(days=1))
    assert chained_equity([second, first])[1].tolist() == [100, 100, 110, 110, 110, 110, 110, 110, 105]
    with pytest.raises(InvalidInput):
        chained_equity([first, first])
    with pytest.raises(InvalidInput):
        chained_equity([])


def test_a_session_that_lacks_a_bar_of_one_symbol_is_refused() -> None:
    with pytest.raises(InvalidInput):
        portfolio_equity(session({"A": [1.0, 2.0, 3.0], "B": [1.0, 2.0]}))


def test_the_table_adds_up_over_symbols_and_regimes() -> None:
    table = performance_table(trades_of([4.0, -6.0, 3.0], ["B", "A", "B"], ["trend", "panic", "trend"]))
    assert table.schema == PERFORMANCE_SCHEMA
    rows = table.to_pylist()
    assert [(row["scope"], row["value"]) for row in rows] == [
        ("all", "all"),
        ("symbol", "A"),
        ("symbol", "B"),
        ("regime", "panic"),
        ("regime", "trend"),
    ]
    for scope in ("symbol", "regime"):
        assert sum(row["net_usd"] for row in rows if row["scope"] == scope) == pytest.approx(1.0)
    assert rows[1]["profit_factor"] == 0.0 and rows[2]["profit_factor"] is None


def test_each_symbol_is_judged_by_bars_of_its_own_and_each_regime_by_its_trades() -> None:
    bars = session({"A": [100, 101, 99, 105], "B": [100, 100, 100, 90], "C": [100, 100, 100, 100]}, held=50.0)
    trades = trades_of([4.0, -6.0, 3.0], ["A", "B", "A"], ["trend", "panic", "trend"])
    rows = {(row["scope"], row["value"]): row for row in performance_table(trades, [bars]).to_pylist()}
    alone = summarise_performance(
        trades_of([4.0, 3.0], ["A"] * 2, ["trend"] * 2), [session({"A": [100, 101, 99, 105]}, held=50.0)]
    )
    assert rows["symbol", "A"]["sharpe"] == alone.sharpe is not None
    assert rows["symbol", "A"]["maximum_drawdown_usd"] == 2.0 and rows["symbol", "B"]["sharpe_annual"] < 0
    assert rows["symbol", "A"]["exposure"] == rows["all", "all"]["exposure"] == 0.25
    # A symbol that was never traded is a row of nothing, not a missing one.
    assert rows["symbol", "C"]["trades"] == 0 and rows["symbol", "C"]["net_usd"] == 0.0
    trend = rows["regime", "trend"]
    assert trend["sharpe"] == pytest.approx(35 / np.std([40, 30], ddof=1))
    # Two trades of 1000 USD, bought and sold at an opening equity of 300.
    assert trend["turnover"] == pytest.approx(4000 / 300)
    assert trend["exposure"] is None and trend["result_usd"] is None
    assert trend["maximum_drawdown_pct"] == 0.0
    assert rows["regime", "panic"]["maximum_drawdown_pct"] == pytest.approx(6 / 300 * 100)
    assert rows["all", "all"]["turnover"] == pytest.approx(6000 / 300)


def test_a_part_that_is_missing_or_counted_twice_fails_the_check() -> None:
    trades = trades_of([4.0, -6.0, 3.0], ["A", "B", "A"], ["trend", "panic", "trend"])
    table = performance_table(trades)
    assert judge_performance(table, trades).passed
    assert judge_performance(performance_table(trades.slice(0, 0)), trades.slice(0, 0)).passed
    short = judge_performance(table.slice(0, 4), trades)
    assert not short.passed and "regime sums to 1 trades and -6.00 USD" in short.reason
    assert not judge_performance(pa.concat_tables([table, table.slice(1, 1)]), trades).passed
    assert not judge_performance(table, trades.slice(1)).passed


def test_the_turnovers_of_the_regimes_and_the_results_of_the_symbols_sum_to_the_ledgers() -> None:
    generator = np.random.default_rng(4)
    close = 100 * np.exp(np.cumsum(generator.standard_normal((2, BARS)) * 5e-4, axis=1))
    regime = np.repeat(generator.integers(0, 4, (2, BARS // 60)), 60, axis=1)
    script = {(symbol, bar): ENTER_FULL_INDEX for symbol in (0, 1) for bar in range(20, BARS, 90)}
    rules = TradingRules(stop_floor_bps=20, target_floor_bps=40, maximum_holding="60m")
    traded = trade(day_block(close, regime=regime, volatility_bps=1.0), script, rules)
    rows = performance_table(traded.trades, [traded.bars]).to_pylist()
    regimes = [row for row in rows if row["scope"] == "regime"]
    assert len(regimes) == 4 and {"STOP", "TIME_OUT"} <= set(traded.trades["exit_reason"].to_pylist())
    assert (
        sum(row["turnover"] for row in regimes) == pytest.approx(rows[0]["turnover"])
        and rows[0]["turnover"] > 0.01
    )
    of_symbols = sum(row["result_usd"] for row in rows if row["scope"] == "symbol")
    assert of_symbols == pytest.approx(rows[0]["result_usd"], abs=1e-6) and of_symbols != 0.0
    assert judge_performance(performance_table(traded.trades, [traded.bars]), traded.trades).passed


def test_bars_of_four_hours_are_periods_by_themselves_six_a_day() -> None:
    gains = np.random.default_rng(3).normal(1.0, 5.0, 60)
    levels = 1_000.0 + np.concatenate([[0.0], np.cumsum(gains)])
    rows = [
        {
            "symbol": "A",
            "open_time": START + timedelta(hours=4 * bar),
            "equity_usd": levels[bar + 1],
            "result_usd": gains[bar],
            "position_value_usd": 0.0,
        }
        for bar in range(60)
    ]
    bars = pa.Table.from_pylist(rows, schema=SESSION_SCHEMA)
    summary = summarise_performance(trades_of([1.0], ["A"], ["range"]), [bars])
    assert summary.observations == 60
    assert summary.sharpe_annual == pytest.approx(summary.sharpe * np.sqrt(365 * 6))
