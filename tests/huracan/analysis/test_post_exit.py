"""Post-exit tracking: only bars after the exit, nulls where candles are missing."""

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from huracan.analysis.trades import post_exit
from huracan.analysis.trades.config import ExitLimits
from huracan.analysis.trades.post_exit import POST_EXIT_SCHEMA
from huracan.candles.schema import Timeframe
from tests.huracan.analysis.conftest import SHORT, last_fills

NEXT = date(2023, 6, 3)
MINUTE = Timeframe("1m")
EXIT = {"bars_held": 20, "exit_reference_price": 100.0}  # leaves in the bar 00:20


def track_post_exit(trades: pa.Table, candles: pa.Table, day: date, timeframe: Timeframe) -> pa.Table:
    return post_exit.track_post_exit(trades, last_fills(trades), candles, day, timeframe)


def test_prices_and_extremes_are_read_at_the_right_bars(make_trades, make_candles) -> None:
    closes: list[float | None] = [100.0] * 2880
    closes[80], closes[260], closes[1460] = 101.0, 102.0, 99.0
    closes[500], closes[20], closes[1461] = 98.0, 150.0, 150.0
    row = track_post_exit(make_trades(EXIT), make_candles(closes), NEXT, MINUTE).to_pylist()[0]
    assert row["price_after_60_minutes"] == 101.0
    assert row["return_after_240_minutes_bps"] == pytest.approx(200)
    assert row["return_after_1440_minutes_bps"] == pytest.approx(-100)
    assert row["best_bps"] == pytest.approx(200) and row["worst_bps"] == pytest.approx(-200)
    assert row["best_time"] == datetime(2023, 6, 2, 4, 20, tzinfo=UTC)
    assert row["worst_time"] == datetime(2023, 6, 2, 8, 20, tzinfo=UTC)
    assert row["missed_profit_bps"] == pytest.approx(200) and row["saved_loss_bps"] == pytest.approx(200)
    assert row["exit_quality"] == pytest.approx(0.5)
    assert row["should_have_held"] is True and row["bars_seen"] == 1440
    assert row["day"] == NEXT


def test_the_settings_decide_when_an_exit_was_a_mistake(make_trades, make_candles) -> None:
    # 200 bps came within four hours of the exit; 55 of the best 60 bps had been given back before it.
    closes: list[float | None] = [100.0] * 20 + [102.0] * 2860
    trades = make_trades(EXIT | {"max_favourable_bps": 60.0, "gross_bps": 5.0})

    def flags(**limits: float) -> tuple[bool, bool]:
        given = last_fills(trades), make_candles(closes), NEXT, MINUTE, ExitLimits(**limits)
        row = post_exit.track_post_exit(trades, *given).to_pylist()[0]
        return row["should_have_held"], row["should_have_exited_earlier"]

    assert flags() == (True, True)
    assert flags(hold_threshold_bps=201.0) == (False, True)
    assert flags(give_back_share=0.95) == flags(give_back_floor_bps=56.0) == (True, False)


def test_what_a_short_missed_and_was_spared_is_the_mirror_image(make_trades, make_candles) -> None:
    closes: list[float | None] = [100.0] * 2880
    closes[80], closes[260], closes[500] = 101.0, 98.0, 103.0
    trade = SHORT | EXIT | {"exit_reason": "SCRATCH"}
    row = track_post_exit(make_trades(trade), make_candles(closes), NEXT, MINUTE).to_pylist()[0]
    assert row["price_after_60_minutes"] == 101.0
    assert row["return_after_60_minutes_bps"] == pytest.approx(-100)
    assert row["return_after_240_minutes_bps"] == pytest.approx(200)
    assert row["missed_profit_bps"] == pytest.approx(200) and row["saved_loss_bps"] == pytest.approx(300)
    assert row["best_time"] == datetime(2023, 6, 2, 4, 20, tzinfo=UTC)
    assert row["worst_time"] == datetime(2023, 6, 2, 8, 20, tzinfo=UTC)
    assert row["exit_quality"] == pytest.approx(300 / 500)
    assert row["should_have_held"] is True and row["exit_reason"] == "SCRATCH"


def test_missing_minutes_are_null_and_the_rest_still_counts(make_trades, make_candles) -> None:
    closes: list[float | None] = [100.0] * 200
    closes[80] = None
    row = track_post_exit(make_trades(EXIT), make_candles(closes), NEXT, MINUTE).to_pylist()[0]
    assert row["price_after_60_minutes"] is None and row["price_after_240_minutes"] is None
    assert row["should_have_held"] is None and row["bars_seen"] == 178
    assert row["best_bps"] == pytest.approx(0)


def test_a_symbol_without_candles_is_a_row_of_nulls(make_trades, make_candles) -> None:
    trades = make_trades(EXIT | {"symbol": "ETHUSDT"})
    table = track_post_exit(trades, make_candles([100.0] * 60), NEXT, MINUTE)
    row = table.to_pylist()[0]
    assert table.schema == POST_EXIT_SCHEMA
    assert row["best_bps"] is None and row["best_time"] is None and row["bars_seen"] == 0


def test_bars_after_the_day_change_nothing(make_trades, make_candles) -> None:
    trades = make_trades(EXIT, {"exit_time": datetime(2023, 6, 2, 23, 59, tzinfo=UTC)})
    two_days = make_candles([100.0] * 2880)
    later = make_candles([150.0] * 60, datetime(2023, 6, 4, tzinfo=UTC))
    plain = track_post_exit(trades, two_days, NEXT, MINUTE)
    assert plain.equals(track_post_exit(trades, pa.concat_tables([two_days, later]), NEXT, MINUTE))
    assert plain.column("price_after_1440_minutes")[1].as_py() == 100.0
    assert plain.column("bars_seen")[1].as_py() == 1440


def test_bars_up_to_the_exit_bar_change_nothing(make_trades, make_candles) -> None:
    trades = make_trades(EXIT)
    calm = track_post_exit(trades, make_candles([100.0] * 2880), NEXT, MINUTE)
    wild = track_post_exit(trades, make_candles([7.0] * 21 + [100.0] * 2859), NEXT, MINUTE)
    assert calm.equals(wild)


def test_the_session_end_has_no_quality_flags(make_trades, make_candles) -> None:
    trades = make_trades(EXIT | {"exit_reason": "END_OF_SESSION"})
    row = track_post_exit(trades, make_candles([100.0] * 2880), NEXT, MINUTE).to_pylist()[0]
    assert row["should_have_held"] is None and row["should_have_exited_earlier"] is None
    assert row["exit_quality"] is None
    assert row["is_end_of_session"] and row["price_after_60_minutes"] == 100.0


def test_a_winner_that_turned_should_have_been_left_earlier(make_trades, make_candles) -> None:
    gave_back = EXIT | {"max_favourable_bps": 80.0}
    table = track_post_exit(make_trades(gave_back, EXIT), make_candles([100.0] * 2880), NEXT, MINUTE)
    assert table.column("should_have_exited_earlier").to_pylist() == [True, False]


def test_a_day_without_trades_is_an_empty_table(make_trades, make_candles) -> None:
    assert track_post_exit(make_trades(), make_candles([100.0] * 10), NEXT, MINUTE).num_rows == 0


def test_times_lie_within_a_day_of_the_exit(make_trades, make_candles) -> None:
    closes = [100.0 + minute / 1000 for minute in range(2880)]
    row = track_post_exit(make_trades(EXIT), make_candles(closes), NEXT, MINUTE).to_pylist()[0]
    assert row["best_time"] == row["exit_time"] + timedelta(hours=24)
    assert row["worst_time"] == row["exit_time"] + timedelta(minutes=1)


def test_what_follows_is_measured_from_the_last_fill_where_half_was_sold_before(
    make_trades, make_candles
) -> None:
    # Half was sold at 110 and the rest stopped at 100, so the mean exit is 105; then the price rose to 104.
    trades = make_trades(EXIT | {"exit_reference_price": 105.0, "scale_outs": 1, "exit_reason": "STOP"})
    last = last_fills(trades)
    half = last.set_column(4, "kind", pa.array(["SCALE_OUT"])).to_pylist()[0] | {"reference_price": 110.0}
    fills = pa.Table.from_pylist([half, last.to_pylist()[0] | {"reference_price": 100.0}], last.schema)
    candles = make_candles([100.0] * 21 + [104.0] * 2859)
    row = post_exit.track_post_exit(trades, fills, candles, NEXT, MINUTE).to_pylist()[0]
    assert row["exit_reference_price"] == 100.0
    assert row["return_after_60_minutes_bps"] == pytest.approx(400)
    assert row["missed_profit_bps"] == pytest.approx(400) and row["exit_quality"] == pytest.approx(0)
    assert row["should_have_held"] is True


def test_a_price_between_two_closes_is_not_known(make_trades, make_candles) -> None:
    trades, day = make_trades(EXIT), make_candles([100.0] * 2880)
    hours = day.filter(pc.equal(pc.minute(day["open_time"]), 0))
    row = track_post_exit(trades, hours, NEXT, Timeframe("2h")).to_pylist()[0]
    assert row["price_after_60_minutes"] is None and row["return_after_60_minutes_bps"] is None
    assert row["price_after_240_minutes"] == 100.0
