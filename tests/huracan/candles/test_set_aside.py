"""One bad symbol is set aside for the day with its reason, nothing of it is lost, and the others go on."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.candles.jumps import LastClose, SymbolCloses, deviation_of, plain_factor
from huracan.candles.last_closes import last_closes_from, next_last_closes
from huracan.candles.limits import CandleLimits
from huracan.candles.quality import Before, JudgedDay, assemble_day, judge_day
from huracan.candles.redenominations import Redenomination
from huracan.candles.schema import RAW_SCHEMA, Timeframe
from huracan.errors import InvalidInput

DAY, MINUTE = date(2025, 1, 2), Timeframe("1m")
START = datetime(2025, 1, 2, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)


def walk(seed: int = 1, first: float = 100.0, deviation: float = 0.001) -> np.ndarray[Any, Any]:
    """1,440 closes of a random walk."""
    return first * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, deviation, 1440)))


def candles(closes: np.ndarray[Any, Any]) -> pa.Table:
    """One candle for each close that is a number."""
    bars = np.flatnonzero(np.isfinite(closes))
    prices = closes[bars]
    times = pa.array(START_MS + 60_000 * bars).cast(RAW_SCHEMA.field("open_time").type)
    ohlc = [prices, prices * 1.001, prices * 0.999, prices]
    volume = np.full(len(bars), 2.0)
    none = pa.nulls(len(bars))
    columns = [times, *map(pa.array, ohlc), pa.array(volume), none.cast(pa.int64()), none.cast(pa.float64())]
    return pa.table(columns, schema=RAW_SCHEMA)


def judge(
    symbols: dict[str, np.ndarray[Any, Any]],
    known: dict[str, float] | None = None,
    limits: CandleLimits | None = None,
) -> JudgedDay:
    """`known`: the close of each symbol's last bar of the day before."""
    last = {name: LastClose(START_MS - 60_000, close, 0.001) for name, close in (known or {}).items()}
    raw = {name: candles(closes) for name, closes in symbols.items()}
    return judge_day(assemble_day(raw, DAY, MINUTE), MINUTE, limits, Before(last))


def reasons(judged: JudgedDay) -> dict[str, tuple[str, str]]:
    return {row["symbol"]: (row["cause"], row["reason"]) for row in judged.set_aside.to_pylist()}


def halted(factor: float) -> np.ndarray[Any, Any]:
    """Trade stops for two hours at 10:00 and goes on at a multiple of the price."""
    closes = walk()
    closes[600:720] = np.nan
    closes[720:] *= factor
    return closes


@pytest.mark.parametrize("factor", [1000.0, 0.001, 10.0, 0.5, 1 / 3])
def test_a_swap_over_a_halt_is_refused_with_its_bar_and_factor(factor: float) -> None:
    found = reasons(judge({"Q/USDT": halted(factor), "B/USDT": walk(2)}))
    assert list(found) == ["Q/USDT"]
    cause, reason = found["Q/USDT"]
    assert cause == "jump"
    assert "in the bar of 12:00 over 120 bars without one" in reason
    assert f"with the factor {factor:.6g}," in reason


def test_a_swap_at_midnight_is_met_again_on_every_day_until_it_is_declared() -> None:
    known = {"Q/USDT": 0.1}
    judged = judge({"Q/USDT": walk(), "B/USDT": walk(2)}, known)
    assert "in the bar of 00:00 since an earlier day" in reasons(judged)["Q/USDT"][1]
    assert last_closes_from(judged.last_closes)["Q/USDT"].close == 0.1
    swap = Redenomination("Q/USDT", START, 1000.0)
    wrong = CandleLimits(redenominations=(Redenomination("Q/USDT", START, 0.001),))
    assert (
        "to 1e+06 times" in reasons(judge({"Q/USDT": walk(), "B/USDT": walk(2)}, known, wrong))["Q/USDT"][1]
    )
    declared = judge({"Q/USDT": walk(), "B/USDT": walk(2)}, known, CandleLimits(redenominations=(swap,)))
    assert reasons(declared) == {}
    closes = declared.day.ohlcv["close"].to_numpy()[:1440]
    assert closes == pytest.approx(walk() / 1000)
    assert declared.day.ohlcv["volume"][0].as_py() == 2000.0
    assert last_closes_from(declared.last_closes)["Q/USDT"].close == pytest.approx(walk()[-1] / 1000)


def test_what_is_set_aside_lies_in_quarantine_and_none_of_its_bars_has_a_candle() -> None:
    judged = judge({"Q/USDT": halted(1000.0), "B/USDT": walk(2)})
    own = judged.day.ohlcv.slice(0, 1440)
    assert own["close"].null_count == 1440 and own["volume"].null_count == 1440
    assert set(own["status"].to_pylist()) == {"quarantined", "missing"}
    assert judged.day.ohlcv.slice(1440)["close"].null_count == 0
    kept = judged.day.quarantine
    assert kept.num_rows == 1320
    assert kept["close"].to_numpy() == pytest.approx(halted(1000.0)[np.isfinite(halted(1000.0))])
    assert kept["reason"][0].as_py().startswith("the symbol was set aside: the close moved")


def test_a_move_of_a_real_market_passes() -> None:
    fall = walk()
    fall[700:] *= 0.6  # an exploit: no plain factor, and within the limit
    spike = walk(3)
    spike[700] *= 0.6
    assert reasons(judge({"F/USDT": fall, "S/USDT": spike, "B/USDT": walk(2)})) == {}


def test_a_restless_symbol_may_move_further_over_a_long_gap_than_a_calm_one() -> None:
    restless, calm = walk(1, deviation=0.01), walk(1, deviation=0.0005)
    for closes in (restless, calm):
        closes[200:600] = np.nan
        closes[600:] *= 2.4 * closes[199] / closes[600]
    limits = CandleLimits(maximum_absent_share=0.5)
    assert list(reasons(judge({"R/USDT": restless, "C/USDT": calm}, limits=limits))) == ["C/USDT"]


def test_a_jump_on_the_first_day_is_met_again_on_the_next() -> None:
    first = judge({"Q/USDT": halted(1000.0), "B/USDT": walk(2)})
    last = last_closes_from(first.last_closes)["Q/USDT"]
    assert last.close == halted(1000.0)[599] and last.is_disputed


def _deviations(first: float, *own: float) -> list[float]:
    """What days of the deviations `own` leave, one after the other."""
    last, found = {"Q/USDT": LastClose(START_MS, 100.0, first)}, []
    for each in own:
        day = SymbolCloses("Q/USDT", 100 * np.exp(np.cumsum(np.tile([each, -each], 720))), last["Q/USDT"])
        last = last_closes_from(next_last_closes([day], last, {}, {}, (START_MS, 60_000)))
        found.append(last["Q/USDT"].deviation)
    return found


def test_a_restless_day_is_remembered_until_a_day_is_more_restless_and_then_leaves_no_trace() -> None:
    own = np.array([1.0, 1.0, 3.0, 1.0, 2.0])
    told = own / 0.6745  # the median move, as a deviation
    assert _deviations(4.0, *own) == pytest.approx([3.36, 2.8224, told[2], 0.84 * told[2], 0.7056 * told[2]])
    assert _deviations(4.0, *own)[2:] == _deviations(2.0, *own)[2:]


def test_no_waiting_makes_a_jump_believable() -> None:
    disputed = LastClose(START_MS - 400 * 86_400_000, 50.0, 0.002, is_disputed=True)
    day = assemble_day({"Q/USDT": candles(walk()), "B/USDT": candles(walk(2))}, DAY, MINUTE)
    assert list(reasons(judge_day(day, MINUTE, before=Before({"Q/USDT": disputed})))) == ["Q/USDT"]


def test_a_coin_whose_price_moves_by_single_steps_may_double_by_one() -> None:
    steps = 1e-8 * np.where(np.arange(1440) % 7 < 3, 1.0, 2.0)
    assert reasons(judge({"T/BTC": steps, "B/USDT": walk(2)})) == {}


def test_a_market_in_another_currency_says_nothing_of_a_crash_in_dollars() -> None:
    crash = walk(1)
    crash[700:] *= 0.75
    markets = {
        "E/BTC": walk(1) * 1e-5,
        "E/USDT": crash,
        "E/USDC": crash * 1.001,
        "E/USDT:USDT": crash * 0.999,
    }
    assert reasons(judge(markets)) == {}


def test_hourly_bars_have_a_history_of_their_own() -> None:
    moves = np.random.default_rng(1).normal(0, 0.02, 24)
    assert deviation_of(100 * np.exp(np.cumsum(moves))) == pytest.approx(0.02, rel=0.5)


def test_a_crash_that_another_market_of_the_coin_made_too_is_believed() -> None:
    crash, alone = walk(1), walk(2)
    crash[700:] *= 0.17
    alone[700:] *= 0.17
    both = {"L/USDT": crash, "L/USDC": crash * 1.001, "M/USDT": alone}
    assert list(reasons(judge(both))) == ["M/USDT"]


def test_a_move_that_another_market_of_the_coin_did_not_make_is_not_believed() -> None:
    wrong = walk(1)
    wrong[700:] *= 1.4
    cause, reason = reasons(judge({"L/USDT": wrong, "L/USDC": walk(1) * 1.001}))["L/USDT"]
    assert cause == "jump" and "which L/USDC did not" in reason


def test_a_move_that_was_declared_as_real_is_not_scaled() -> None:
    crash = walk()
    crash[700:] *= 0.05
    real = Redenomination("L/USDT", START + timedelta(minutes=700), 1.0)
    judged = judge({"L/USDT": crash, "B/USDT": walk(2)}, limits=CandleLimits(redenominations=(real,)))
    assert reasons(judged) == {}
    assert judged.day.ohlcv["close"].to_numpy()[:1440] == pytest.approx(crash)


def test_a_price_that_never_moves_is_set_aside() -> None:
    still = assemble_day({"A/USDT": candles(walk()), "B/USDT": _still()}, DAY, MINUTE)
    assert reasons(judge_day(still, MINUTE)) == {
        "B/USDT": ("constant", "the price was 5 in every bar of the day")
    }


def _still() -> pa.Table:
    table = candles(np.full(1440, 5.0))
    for name in ("high", "low"):
        index = table.column_names.index(name)
        table = table.set_column(index, RAW_SCHEMA.field(name), table["close"])
    return table


def test_what_the_source_refuses_is_set_aside_with_its_words() -> None:
    day = assemble_day({"A/USDT": candles(walk()), "D/USDT": RAW_SCHEMA.empty_table()}, DAY, MINUTE)
    judged = judge_day(day, MINUTE, before=Before(refused={"D/USDT": "It was delisted."}))
    assert reasons(judged) == {"D/USDT": ("refused", "It was delisted.")}


def test_who_was_told_the_day_before_is_not_told_again_but_for_another_cause() -> None:
    day = assemble_day({"A/USDT": candles(walk()), "D/USDT": RAW_SCHEMA.empty_table()}, DAY, MINUTE)
    for yesterday, is_told in (({}, True), ({"D/USDT": "jump"}, True), ({"D/USDT": "absent"}, False)):
        verdict = judge_day(day, MINUTE, before=Before(set_aside=yesterday)).verdicts[2]
        assert verdict.passed is not is_told
        assert "D/USDT: there is no candle at all" in verdict.reason
        assert (", as the day before." in verdict.reason) is not is_told


def test_a_symbol_outside_of_its_days_is_neither_set_aside_nor_missed() -> None:
    day = assemble_day({"A/USDT": candles(walk()), "D/USDT": RAW_SCHEMA.empty_table()}, DAY, MINUTE)
    judged = judge_day(day, MINUTE, before=Before(outside={"D/USDT"}))
    assert all(verdict.passed for verdict in judged.verdicts)
    assert judged.verdicts[0].reason == "Every bar of every symbol has a candle with trades."


def test_a_hole_that_only_one_of_three_liquid_coins_has_is_said() -> None:
    holed = walk(3)
    holed[13 * 60 + 5 : 13 * 60 + 45] = np.nan
    continuity = judge({"A/USDT": walk(1), "B/USDT": walk(2), "C/USDT": holed}).verdicts[0]
    assert continuity.passed
    assert (
        "Only C/USDT lacks 40 of 60 bars from 13:00, where the other symbols have theirs" in continuity.reason
    )
    everywhere = {
        f"{name}/USDT": np.where(np.isnan(holed), np.nan, walk(seed)) for seed, name in enumerate("ABC")
    }
    assert "Only" not in judge(everywhere).verdicts[0].reason


@settings(max_examples=50, deadline=None)
@given(st.floats(0.2, 1.6), st.integers(1, 1439))
def test_no_calm_day_has_a_jump_whatever_its_drift(drift: float, seed: int) -> None:
    closes = walk(seed) * np.linspace(1.0, drift, 1440)
    assert reasons(judge({"A/USDT": closes}, {"A/USDT": closes[0]})) == {}


@pytest.mark.parametrize(
    ("factor", "plain"),
    [
        (1000.0, 1000.0),
        (0.00099, 0.001),
        (0.505, 0.5),
        (3.05, 3.0),
        (1.3, None),
        (1.9, None),
        (2.5, None),
        (7.0, None),
    ],
)
def test_a_plain_factor_is_a_number_of_one_figure_or_one_over_it(factor: float, plain: float | None) -> None:
    assert plain_factor(factor) == (None if plain is None else pytest.approx(plain))


def test_a_factor_that_is_no_number_above_zero_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"Q/USDT has the factor 0\.0"):
        Redenomination("Q/USDT", START, 0.0)


@pytest.mark.parametrize(("timeframe", "allowed"), [("4h", 1), ("1h", 3), ("1m", 216)])
def test_of_a_day_of_few_bars_one_may_be_absent_whatever_its_share(timeframe: str, allowed: int) -> None:
    frame = Timeframe(timeframe)
    whole = candles(walk())[:: frame.minutes]
    for absent in (allowed, allowed + 1):
        day = assemble_day({"A/USDT": whole.slice(absent), "B/USDT": whole}, DAY, frame)
        judged = reasons(judge_day(day, frame, CandleLimits()))
        assert list(judged) == ["A/USDT"] * (absent > allowed), judged
    strict = CandleLimits(maximum_absent_share=0.0)
    day = assemble_day({"A/USDT": whole.slice(1), "B/USDT": whole}, DAY, frame)
    assert list(reasons(judge_day(day, frame, strict))) == ["A/USDT"]
