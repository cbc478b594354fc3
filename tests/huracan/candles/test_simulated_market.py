"""The simulated market: the same bytes however asked, believable, and an edge of the promised strength."""

import subprocess
import sys
import time
from datetime import date, timedelta
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest

from huracan.candles.quality import assemble_day, judge_day
from huracan.candles.schema import RAW_SCHEMA, Timeframe
from huracan.candles.simulate import SimulatedMarket, SimulatedMarketConfig
from huracan.candles.source import CandleSource
from huracan.errors import InvalidInput

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
MINUTE = Timeframe("1m")
COST_BPS = 25.0
FIRST = date(2025, 3, 1)
FloatArray = npt.NDArray[np.float64]


def market(strength: float = 1.0, seed: int = 7, timeframe: str = "1m") -> SimulatedMarket:
    config = SimulatedMarketConfig(seed=seed, edge_strength=strength)
    return SimulatedMarket(config, SYMBOLS, Timeframe(timeframe))


@cache
def history(strength: float, symbol: str, days: int = 60) -> dict[str, FloatArray]:
    source = market(strength)
    tables = [source.fetch_day(symbol, FIRST + timedelta(index)) for index in range(days)]
    columns = {
        name: np.concatenate([table[name].to_numpy() for table in tables]).astype(float)
        for name in RAW_SCHEMA.names[1:]
    }
    columns["signal"] = np.concatenate(
        [source.planted_signal(symbol, FIRST + timedelta(index)) for index in range(days)]
    )
    columns["flow"] = 2 * columns["taker_buy_volume"] / columns["volume"] - 1
    columns["return_bps"] = np.diff(np.log(columns["close"]), prepend=np.log(columns["open"][0])) * 1e4
    return columns


def informed_net_bps(strength: float, symbol: str, hold: int = 45) -> tuple[FloatArray, FloatArray]:
    """Net bps of every trade of a long-and-short rule that knows the signal, and its sum per day."""
    data = history(strength, symbol)
    signal, opens = data["signal"], data["open"]
    nets, days, bar = [], [], 0
    while bar < len(signal) - hold - 2:
        if abs(signal[bar]) <= 40.0 * max(strength, 0.25):
            bar += 1
            continue
        gross = np.sign(signal[bar]) * np.log(opens[bar + 1 + hold] / opens[bar + 1]) * 1e4
        nets.append(gross - COST_BPS)
        days.append(bar // 1440)
        bar += hold + 1
    return np.array(nets), np.bincount(days, weights=nets, minlength=60)


def test_the_simulated_market_is_a_candle_source_that_says_that_it_is_simulated() -> None:
    source: CandleSource = market()
    assert source.identity.is_simulated and source.identity.name == "simulated"
    assert source.fetch_day("BTC/USDT", FIRST).schema == RAW_SCHEMA


def test_days_are_the_same_in_whatever_order_they_are_asked_for() -> None:
    days = [date(2025, 1, 1), date(2025, 1, 31), date(2025, 2, 1), date(2025, 5, 17)]
    forwards, backwards = market(), market()
    first = {day: forwards.fetch_day("ETH/USDT", day) for day in days}
    last = {day: backwards.fetch_day("ETH/USDT", day) for day in reversed(days)}
    assert all(first[day].equals(last[day]) for day in days)
    assert np.array_equal(
        forwards.planted_signal("ETH/USDT", days[3]), market().planted_signal("ETH/USDT", days[3])
    )


def test_a_symbol_has_the_same_candles_whatever_other_symbols_there_are() -> None:
    alone = SimulatedMarket(SimulatedMarketConfig(), ["SOL/USDT"], MINUTE)
    assert alone.fetch_day("SOL/USDT", FIRST).equals(market().fetch_day("SOL/USDT", FIRST))


def test_another_process_gives_the_same_bytes() -> None:
    code = (
        "import hashlib, datetime\n"
        "from huracan.candles.schema import Timeframe\n"
        "from huracan.candles.simulate import SimulatedMarket, SimulatedMarketConfig\n"
        "m = SimulatedMarket(SimulatedMarketConfig(), ['NEW/USDT'], Timeframe('1m'))\n"
        "t = m.fetch_day('NEW/USDT', datetime.date(2025, 2, 3))\n"
        "print(hashlib.sha256(repr(t.to_pylist()).encode()).hexdigest())\n"
    )
    answers = set()
    for salt in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": salt, "PYTHONPATH": ":".join(path for path in sys.path if path)},
        )
        answers.add(done.stdout)
    assert len(answers) == 1


def test_another_seed_gives_another_market() -> None:
    assert not market(seed=8).fetch_day("BTC/USDT", FIRST).equals(market().fetch_day("BTC/USDT", FIRST))


def test_the_price_goes_on_over_midnight_and_the_turn_of_the_month() -> None:
    source = market()
    for day in (date(2025, 1, 15), date(2025, 1, 31), date(2025, 12, 31)):
        last = source.fetch_day("BTC/USDT", day)["close"][-1].as_py()
        assert source.fetch_day("BTC/USDT", day + timedelta(1))["open"][0].as_py() == last


def test_every_simulated_day_passes_the_quality_rules() -> None:
    source = market()
    for index in range(0, 60, 7):
        day = FIRST + timedelta(index)
        assembled = assemble_day({symbol: source.fetch_day(symbol, day) for symbol in SYMBOLS}, day, MINUTE)
        assert assembled.quarantine.num_rows == 0
        assert all(verdict.passed for verdict in judge_day(assembled, MINUTE).verdicts)


def test_a_longer_timeframe_is_the_minutes_put_together() -> None:
    minutes, hours = (
        market().fetch_day("SOL/USDT", FIRST),
        market(timeframe="1h").fetch_day("SOL/USDT", FIRST),
    )
    assert hours.num_rows == 24
    high = minutes["high"].to_numpy().reshape(24, 60).max(axis=1)
    assert np.array_equal(hours["high"].to_numpy(), high)
    assert np.array_equal(hours["close"].to_numpy(), minutes["close"].to_numpy()[59::60])
    assert hours["trade_count"].to_numpy().sum() == minutes["trade_count"].to_numpy().sum()


def test_returns_have_fat_tails_and_volatility_clusters() -> None:
    for symbol in SYMBOLS:
        returns = history(1.0, symbol)["return_bps"]
        kurtosis = np.mean((returns - returns.mean()) ** 4) / returns.var() ** 2
        assert kurtosis > 6
        size = np.abs(returns)
        for lag, least in ((1, 0.1), (60, 0.05)):
            assert np.corrcoef(size[:-lag], size[lag:])[0, 1] > least


def test_symbols_move_together_and_volume_follows_movement() -> None:
    returns = np.stack([history(1.0, symbol)["return_bps"] for symbol in SYMBOLS])
    correlation = np.corrcoef(returns)
    assert correlation[0, 1] > 0.4 and correlation[0, 2] > 0.3
    data = history(1.0, "BTC/USDT")
    assert np.corrcoef(np.log(data["volume"]), np.abs(data["return_bps"]))[0, 1] > 0.3
    assert np.corrcoef(np.log(data["volume"]), np.log(data["trade_count"]))[0, 1] > 0.8


def test_the_afternoon_is_busier_than_the_night() -> None:
    data = history(1.0, "BTC/USDT")
    by_hour = np.abs(data["return_bps"]).reshape(60, 24, 60).mean(axis=(0, 2))
    volume = data["volume"].reshape(60, 24, 60).mean(axis=(0, 2))
    assert by_hour[14] > 1.3 * by_hour[4]
    assert volume[14] > 1.3 * volume[4]


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_without_an_edge_past_order_flow_predicts_nothing(symbol: str) -> None:
    data = history(0.0, symbol)
    assert np.all(data["signal"] == 0)
    flow = np.convolve(data["flow"], np.ones(15) / 15)[: len(data["flow"])]
    hourly = np.arange(60, len(flow) - 60, 60)
    returns = np.log(data["close"])
    moves = (returns[hourly + 59] - returns[hourly]) * 1e4
    assert abs(_t_statistic(flow[hourly], moves)) < 3
    assert abs(_t_statistic(flow[:-1], data["return_bps"][1:])) < 3
    # The flow of a minute may go with the minute's own return.
    assert np.corrcoef(data["flow"], data["return_bps"])[0, 1] > 0.1


def test_without_an_edge_returns_are_uncorrelated() -> None:
    returns = history(0.0, "BTC/USDT")["return_bps"]
    assert abs(np.corrcoef(returns[:-1], returns[1:])[0, 1]) < 0.03


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_with_the_edge_past_order_flow_predicts_the_next_minutes(symbol: str) -> None:
    data = history(1.0, symbol)
    flow = np.convolve(data["flow"], np.ones(15) / 15)[: len(data["flow"])]
    hourly = np.arange(60, len(flow) - 60, 60)
    returns = np.log(data["close"])
    moves = (returns[hourly + 59] - returns[hourly]) * 1e4
    assert _t_statistic(flow[hourly], moves) > 8
    assert np.corrcoef(flow, data["signal"])[0, 1] > 0.7


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_an_informed_rule_pays_its_costs_on_most_days(symbol: str) -> None:
    nets, by_day = informed_net_bps(1.0, symbol)
    assert 5 < len(nets) / 60 < 25
    assert nets.mean() > 15
    assert (by_day > 0).mean() > 0.85


def test_signal_moves_of_the_promised_size_come_several_times_a_day() -> None:
    for symbol in SYMBOLS:
        strong = np.abs(history(1.0, symbol)["signal"]) > 60
        starts = strong[1:] & ~strong[:-1]
        assert starts.sum() / 60 > 3


def test_the_signal_is_the_expected_move_without_bias() -> None:
    data = history(1.0, "BTC/USDT")
    moves = np.log(data["close"][45:] / data["close"][:-45]) * 1e4
    slope = np.polyfit(data["signal"][:-45], moves, 1)[0]
    assert slope == pytest.approx(1.0, abs=0.15)


def test_a_stronger_edge_pays_more() -> None:
    gains = [informed_net_bps(strength, "ETH/USDT")[0].mean() for strength in (0.5, 1.0, 2.0)]
    assert gains[0] < gains[1] < gains[2]


def test_a_name_never_seen_before_has_a_market_of_its_own() -> None:
    source = SimulatedMarket(SimulatedMarketConfig(), ["WXYZ/USDT", "ABCD/USDT"], MINUTE)
    first, second = (source.fetch_day(name, FIRST)["close"][0].as_py() for name in ("WXYZ/USDT", "ABCD/USDT"))
    assert first > 0 and second > 0 and first != second


def test_wrong_questions_are_refused_with_a_remedy() -> None:
    source = market()
    with pytest.raises(InvalidInput, match=r"unknown.*Did you mean 'BTC/USDT'"):
        source.check_symbols(["BTC/USD"])
    with pytest.raises(InvalidInput, match="begins on 2025-01-01"):
        source.fetch_day("BTC/USDT", date(2024, 12, 31))
    with pytest.raises(InvalidInput, match="not a pair"):
        SimulatedMarket(SimulatedMarketConfig(), ["BTCUSDT"], MINUTE)
    with pytest.raises(InvalidInput, match="negative"):
        SimulatedMarketConfig(edge_strength=-1)


def test_a_day_two_years_on_is_answered_in_seconds_and_the_next_in_milliseconds() -> None:
    source = market()
    begin = time.perf_counter()
    source.fetch_day("BTC/USDT", date(2026, 12, 5))
    assert time.perf_counter() - begin < 4
    begin = time.perf_counter()
    for index in range(10):
        source.fetch_day("ETH/USDT", date(2026, 12, 6) + timedelta(index))
    assert (time.perf_counter() - begin) / 10 < 0.005


def _t_statistic(x: FloatArray, y: FloatArray) -> float:
    """t of the slope with White's standard error, for volatility that changes."""
    centred = x - x.mean()
    slope = centred @ y / (centred @ centred)
    errors = (y - y.mean()) - slope * centred
    return float(slope / (np.sqrt((centred**2) @ (errors**2)) / (centred @ centred)))
