"""The days before, as the asset of losses reads them from a lake: in order, or named with the reason."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from huracan.analysis.rules.past_session import PastDay, play_again
from huracan.analysis.rules.trials import UnusableDay
from huracan.candles.market_info import MARKET_INFO_FILE
from huracan.candles.schema import OHLCV_SCHEMA, TIME
from huracan.errors import AgedOut
from huracan.market.actions import ENTER_FULL_INDEX, EXIT_INDEX
from huracan.market.block import BY_MARKET, MarketBlock
from huracan.market.paper.session import Session
from huracan.regimes.model import REGIMES
from huracan.verdict import Verdict
from huracan_assets.analysis.loss_analysis import loss_analysis, past_days
from huracan_assets.inputs.market_block import priced_block
from huracan_assets.reads import Inputs, resolve_all
from huracan_assets.shadow.post_exit import post_exit
from huracan_assets.shadow.shadow_trades import shadow_trades
from huracan_assets.stage import StageContext
from huracan_resources.lake.parquet import encode_table
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings
from tests.huracan.analysis.shadow_days import BARS, DAY, FREE, WIDE, day_block, days_before, trade

SYMBOLS = 2


def _block(day: date) -> MarketBlock:
    generator = np.random.default_rng(day.toordinal())
    close = 100 * np.exp(np.cumsum(generator.standard_normal((SYMBOLS, BARS)) * 5e-4, axis=1))
    regime = np.repeat(generator.integers(0, 4, (SYMBOLS, BARS // 60)), 60, axis=1)
    return day_block(close, day, regime=regime, volatility_bps=generator.uniform(3, 9, (SYMBOLS, BARS)))


def _led(day: date) -> MarketBlock:
    """The day, led by the last bar of the day before."""
    before, own = _block(day - timedelta(days=1)), _block(day)
    joined = {
        field.name: np.concatenate([getattr(before, field.name), getattr(own, field.name)], axis=-1)
        for field in fields(own)
        if getattr(own, field.name) is not None and np.shape(getattr(own, field.name))[-1:] == (BARS,)
    }
    rows = {
        name: np.concatenate([getattr(before, name), getattr(own, name)], axis=1)
        for name in ("features", "regime_probabilities", "pattern_context")
    }
    costs = {name: getattr(own, name)[:, 0] for name in BY_MARKET}
    return replace(own, **joined, **rows, **costs).slice(BARS - 1, 2 * BARS - 1)


def _session(block: MarketBlock) -> Session:
    script = {(symbol, 100): ENTER_FULL_INDEX for symbol in range(SYMBOLS)}
    return trade(block, script | {(symbol, 150): EXIT_INDEX for symbol in range(SYMBOLS)})


def _tables(block: MarketBlock) -> dict[str, pa.Table]:
    keys = {
        "symbol": pa.array(np.repeat(block.symbols, BARS)),
        "open_time": pa.array(np.tile(block.open_time_ms, SYMBOLS)).cast(TIME),
    }
    rows = SYMBOLS * BARS
    prices = {name: getattr(block, name).reshape(-1) for name in ("open", "high", "low", "close")}
    candles = keys | prices | {"volume": np.full(rows, 1e7), "status": ["traded"] * rows}
    absent = {name: pa.nulls(rows) for name in ("trade_count", "taker_buy_volume", "funding_rate")}
    candles |= absent | {"close_time": keys["open_time"]}
    sure = {f"probability_{name}": np.full(rows, 0.25, np.float32) for name in REGIMES}
    return {
        "ohlcv": pa.table({f.name: pa.array(candles[f.name]).cast(f.type) for f in OHLCV_SCHEMA}),
        "features": pa.table(
            keys
            | {
                "is_ready": block.is_ready.reshape(-1),
                "another": np.zeros(rows),
            }
        ),
        "regimes": pa.table(keys | {"regime": np.array(REGIMES)[block.regime.reshape(-1)]} | sure),
    }


@pytest.fixture
def resources(tmp_path: Path) -> Resources:
    return Resources(load_settings(environ={"HURACAN_HOME": str(tmp_path)}))


@pytest.fixture
def fill(resources: Resources) -> Callable[[date], None]:
    """Writes the partitions of a day: candles, features, regimes, the ledger, and the analyses."""

    def write(day: date) -> None:
        block, before = _block(day), day - timedelta(days=1)
        is_first = resources.lake.manifest("regimes", before) is None
        session = _session(block if is_first else _led(day))
        tables = {name: {"data": table} for name, table in _tables(block).items()}
        tables["shadow_trades"] = {
            "data": session.trades, "session": session.bars, "open_positions": session.open_positions
        }  # fmt: skip
        known = {"similar_trades": [7], "pattern_win_probability": [0.4], "pattern_mean_net_bps": [2.0]}
        for index, asset in enumerate(("win_analysis", "loss_analysis")):
            identity = {"trade_id": session.trades["trade_id"].to_pylist()[index : index + 1]}
            tables[asset] = {"data": pa.table(identity | known)}
        for asset, files in tables.items():
            resources.lake.write(
                asset, day, {f"{name}.parquet": encode_table(table) for name, table in files.items()}
            )
        resources.lake.write("market_costs", day, {MARKET_INFO_FILE: b"{}"})

    return write


def _inputs(resources: Resources) -> Inputs:
    reads = [read for read in loss_analysis.reads if read.key]
    return resolve_all(resources.lake, reads, DAY, resources.settings)


def _past(resources: Resources) -> list[PastDay | UnusableDay]:
    return list(
        past_days(_inputs(resources), StageContext("loss_analysis", DAY, resources.settings, resources, ""))
    )


def test_the_days_before_are_read_as_they_were_traded(resources: Resources, fill) -> None:
    for day in days_before(3):
        fill(day)
    fill(DAY)
    found = _past(resources)
    assert [each.day for each in found] == days_before(3)
    for each in found:
        assert isinstance(each, PastDay)
        session = play_again(each, WIDE, FREE)
        assert session.is_as_traded and session.trades.size == SYMBOLS
        assert session.similar_trades.tolist() == [7, 7] and session.mean_net_bps.tolist() == [2, 2]


def test_a_day_before_a_policy_traded_is_no_past_and_one_without_analyses_knows_no_neighbours(
    resources: Resources, fill
) -> None:
    first, second, third = days_before(3)
    resources.lake.write("shadow_trades", first, {}, note="No policy.")
    fill(second)
    fill(third)
    for asset in ("win_analysis", "loss_analysis"):
        resources.lake.write(asset, third, {}, note="No memory.")
    found = _past(resources)
    assert [each.day for each in found] == [second, third]
    assert found[1].analysed is None
    assert np.isnan(play_again(found[1], WIDE, FREE).win_probability).all()


@pytest.mark.parametrize("asset", ["ohlcv", "market_costs", "features", "regimes", "shadow_trades"])
def test_a_day_that_was_judged_bad_or_is_damaged_is_named(resources: Resources, fill, asset: str) -> None:
    for day in days_before(3):
        fill(day)
    bad = DAY - timedelta(days=2)
    held = resources.lake.manifest(asset, bad)
    files = {name: resources.lake.read_file(asset, bad, name) for name in held.files}
    resources.lake.write(asset, bad, files, verdicts=[Verdict("check", False, "It is wrong.")])
    found = _past(resources)
    # The day after begins with the close of the bar that led it.
    expected = [False, True, asset != "shadow_trades"]
    assert [isinstance(each, UnusableDay) for each in found] == expected
    assert str(bad) in found[1].why and asset in found[1].why
    entry = next(iter(resources.lake.write(asset, bad, files).files.values()))
    path = Path(resources.settings.storage.lake) / asset / f"day={bad}" / entry.stored_as
    path.write_bytes(path.read_bytes()[:-5])
    found = _past(resources)
    assert [isinstance(each, UnusableDay) for each in found] == expected
    assert "damaged" in found[1].why


def test_a_day_of_a_version_that_ended_its_days_flat_is_no_past(resources: Resources, fill) -> None:
    first, second = days_before(2)
    for day in (first, second):
        fill(day)
    manifest = resources.lake.require("shadow_trades", first)
    kept = [name for name in manifest.files if name != "open_positions.parquet"]
    old = {name: resources.lake.read_file("shadow_trades", first, name) for name in kept}
    resources.lake.write("shadow_trades", first, old)
    found = _past(resources)
    assert isinstance(found[0], UnusableDay) and "days ended flat" in found[0].why
    assert isinstance(found[1], PastDay)


def test_a_lake_without_a_past_has_no_days_before(resources: Resources, fill) -> None:
    fill(DAY)
    assert _past(resources) == []


def test_a_market_without_features_is_the_one_that_was_traded(resources: Resources, fill) -> None:
    day = DAY - timedelta(days=1)
    fill(day)
    made, block = priced_block(_inputs(resources), resources.settings, day, "past_"), _block(day)
    for name in ("open", "high", "low", "close", "regime", "is_ready", "open_time_ms"):
        assert np.array_equal(getattr(made, name), getattr(block, name)), name
    assert made.feature_names == () and made.features.shape == (SYMBOLS, BARS, 0)
    fill(day - timedelta(days=1))
    # With candles of the day before, the traded value of the first bars looks back into them.
    earlier = priced_block(_inputs(resources), resources.settings, day, "past_")
    assert not np.array_equal(earlier.traded_value_usd[:, :59], made.traded_value_usd[:, :59])
    assert np.array_equal(earlier.traded_value_usd[:, 60:], made.traded_value_usd[:, 60:])


def test_an_analysis_is_not_made_anew_of_a_past_that_has_aged_out(resources: Resources, fill) -> None:
    first, second = days_before(2)
    for day in (first, second, DAY):
        fill(day)
    resources.lake.age_out(resources.lake.require("shadow_trades", first), "session.parquet", DAY)
    with pytest.raises(AgedOut, match=f"shadow_trades/{first}/session.parquet aged out"):
        _past(resources)


def test_an_analysis_is_made_anew_where_the_limits_that_it_judges_by_change() -> None:
    plain, changed = load_settings(), load_settings({"analysis.exits.give_back_share": 0.3})
    for stage in (loss_analysis, post_exit):
        assert stage.configuration_digest(plain) != stage.configuration_digest(changed), stage.name
    assert shadow_trades.configuration_digest(plain) == shadow_trades.configuration_digest(changed)
