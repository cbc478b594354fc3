"""What one symbol does, to the others and to what is stored: it is delisted, absent, swapped, taken out."""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dagster._core.errors import DagsterAssetCheckFailedError

from huracan.candles.schema import Timeframe
from huracan.candles.simulate import SimulatedMarket, SimulatedMarketConfig
from huracan_assets.market.features import features
from huracan_assets.market.ohlcv import ohlcv
from huracan_assets.partitions import daily_partitions
from huracan_assets.wiring import asset_of
from huracan_resources.lake.manifest import Origin
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings

FIRST = date(2025, 3, 1)
DAYS = [FIRST + timedelta(days=offset) for offset in range(4)]
SYMBOLS = ["BTC/USDT", "ETH/USDT", "SOL/USDT"]
HOUR = Timeframe("1h")
Days = dict[date, pa.Table]


@pytest.fixture(scope="module")
def market() -> dict[str, Days]:
    simulated = SimulatedMarket(SimulatedMarketConfig(), SYMBOLS, HOUR)
    return {symbol: {day: simulated.fetch_day(symbol, day) for day in DAYS} for symbol in SYMBOLS}


class Lab:
    """A home over files of candles, of which each test changes what it needs."""

    def __init__(self, home: Path) -> None:
        self.home, self.files = home, home / "candles"
        self.files.mkdir()
        self.instance = dg.DagsterInstance.ephemeral()

    def store(self, market: Mapping[str, Days]) -> None:
        for symbol, days in market.items():
            path = self.files / f"binance_{symbol.replace('/', '-')}_1h.parquet"
            path.unlink(missing_ok=True)
            if days:
                pq.write_table(pa.concat_tables(days.values()), path)

    def resources(self, **changes: Any) -> Resources:
        chosen = {
            "universe.symbols": SYMBOLS,
            "universe.timeframe": "1h",
            "storage.home": str(self.home),
            "source.kind": "files",
            "source.files.directory": str(self.files),
        }
        return Resources(load_settings({**chosen, **changes}, environ={"HURACAN_CONFIG_DIR": str(self.home)}))

    def fetch(self, *days: date, **changes: Any) -> Resources:
        resources = self.resources(**changes)
        for day in days:
            self.run(ohlcv, day, resources)
        return resources

    def run(self, stage: Any, day: date, resources: Resources) -> dg.ExecuteInProcessResult:
        return dg.materialize(
            [asset_of(stage, daily_partitions(FIRST))],
            partition_key=day.isoformat(),
            resources={"resources": resources},
            instance=self.instance,
        )


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def set_aside(resources: Resources, day: date) -> dict[str, str]:
    rows = resources.lake.read_table("ohlcv", day, "set_aside").to_pylist()
    return {row["symbol"]: row["cause"] for row in rows}


def closes(resources: Resources, day: date, symbol: str, table: str = "data") -> list[float | None]:
    rows = resources.lake.read_table("ohlcv", day, table).to_pylist()
    return [row["close"] for row in rows if row["symbol"] == symbol]


def swapped(day: pa.Table, factor: float) -> pa.Table:
    for name in ("open", "high", "low", "close"):
        values = pa.array(day[name].to_numpy() * factor)
        day = day.set_column(day.column_names.index(name), day.schema.field(name), values)
    return day


def test_a_coin_without_candles_for_a_day_is_set_aside_and_the_others_have_features(
    lab: Lab, market: dict[str, Days]
) -> None:
    without = {day: table for day, table in market["BTC/USDT"].items() if day != DAYS[1]}
    lab.store({**market, "BTC/USDT": without})
    resources = lab.fetch(*DAYS[:3])
    assert [set_aside(resources, day) for day in DAYS[:3]] == [{}, {"BTC/USDT": "absent"}, {}]
    assert closes(resources, DAYS[1], "BTC/USDT") == [None] * 24
    assert None not in closes(resources, DAYS[1], "ETH/USDT")
    manifest = resources.lake.manifest("ohlcv", DAYS[1])
    assert manifest is not None and not manifest.failed_verdicts
    warned = {verdict.check: verdict for verdict in manifest.verdicts}["symbols_set_aside"]
    assert not warned.passed and "BTC/USDT: there is no candle at all" in warned.reason


def test_a_coin_that_the_source_no_longer_has_is_set_aside_with_its_words(
    lab: Lab, market: dict[str, Days]
) -> None:
    lab.store(market)
    lab.fetch(*DAYS[:2])
    lab.store({**market, "SOL/USDT": {}})
    resources = lab.fetch(DAYS[2])
    (row,) = resources.lake.read_table("ohlcv", DAYS[2], "set_aside").to_pylist()
    assert (row["symbol"], row["cause"]) == ("SOL/USDT", "refused")
    assert "The symbol 'SOL/USDT' is unknown" in row["reason"]


def test_a_symbol_that_nobody_ever_knew_is_refused_as_a_whole(lab: Lab, market: dict[str, Days]) -> None:
    lab.store(market)
    with pytest.raises(dg.Failure, match=r"The symbol 'SOLL/USDT' is unknown .* Did you mean 'SOL/USDT'\?"):
        lab.fetch(DAYS[0], **{"universe.symbols": ["BTC/USDT", "SOLL/USDT"]})


def test_candles_that_are_stored_stay_where_the_source_has_forgotten_them(
    lab: Lab, market: dict[str, Days]
) -> None:
    lab.store(market)
    before = lab.fetch(DAYS[0]).lake.read_table("ohlcv", DAYS[0])
    lab.store({**market, "SOL/USDT": {}})
    after = lab.fetch(DAYS[0])
    assert after.lake.read_table("ohlcv", DAYS[0]).equals(before)
    assert set_aside(after, DAYS[0]) == {}


def test_candles_of_a_symbol_that_left_the_universe_stay_beside_the_others_and_come_back_with_it(
    lab: Lab, market: dict[str, Days]
) -> None:
    lab.store(market)
    known = closes(lab.fetch(DAYS[0]), DAYS[0], "SOL/USDT")
    lab.store({**market, "SOL/USDT": {}})
    for _ in range(2):
        fewer = lab.fetch(DAYS[0], **{"universe.symbols": ["BTC/USDT", "ETH/USDT"]})
        assert closes(fewer, DAYS[0], "SOL/USDT") == []
        assert closes(fewer, DAYS[0], "SOL/USDT", "former") == known
    again = lab.fetch(DAYS[0])
    assert closes(again, DAYS[0], "SOL/USDT") == known
    assert "former.parquet" not in again.lake.require("ohlcv", DAYS[0]).files


def test_a_symbol_leaves_the_universe_after_its_last_day_and_no_earlier_day_is_made_again(
    lab: Lab, market: dict[str, Days]
) -> None:
    lab.store(market)
    left = {"universe.membership": {"SOL/USDT": {"last_day": DAYS[0].isoformat()}}}
    whole = lab.fetch(DAYS[0])
    assert ohlcv.configuration_digest(whole.settings) == ohlcv.configuration_digest(
        lab.resources(**left).settings
    )
    resources = lab.fetch(DAYS[1], **left)
    assert closes(resources, DAYS[1], "SOL/USDT") == [None] * 24
    assert set_aside(resources, DAYS[1]) == {}
    assert None not in closes(resources, DAYS[0], "SOL/USDT")


def test_a_swap_at_midnight_is_set_aside_day_after_day_until_it_is_declared(
    lab: Lab, market: dict[str, Days]
) -> None:
    days = {
        day: table if day < DAYS[1] else swapped(table, 1000.0) for day, table in market["SOL/USDT"].items()
    }
    lab.store({**market, "SOL/USDT": days})
    resources = lab.fetch(*DAYS[:3])
    assert [set_aside(resources, day) for day in DAYS[:3]] == [{}, {"SOL/USDT": "jump"}, {"SOL/USDT": "jump"}]
    swap = {"symbol": "SOL/USDT", "moment": f"{DAYS[1]}T00:00:00Z", "factor": 1000}
    declared = lab.fetch(*DAYS[:3], **{"candles.redenominations": [swap]})
    assert [set_aside(declared, day) for day in DAYS[:3]] == [{}, {}, {}]
    for day in DAYS[:3]:
        assert closes(declared, day, "SOL/USDT") == pytest.approx(
            market["SOL/USDT"][day]["close"].to_pylist()
        )
    lab.run(features, DAYS[2], declared)
    ready = declared.lake.read_table("features", DAYS[2]).to_pylist()
    assert max(abs(row["return_15_bps"] or 0) for row in ready if row["symbol"] == "SOL/USDT") < 5_000


def test_a_day_that_was_made_before_the_one_before_it_is_judged_again_when_that_one_is_there(
    lab: Lab, market: dict[str, Days]
) -> None:
    days = {
        day: table if day < DAYS[1] else swapped(table, 1000.0) for day, table in market["SOL/USDT"].items()
    }
    lab.store({**market, "SOL/USDT": days})
    resources = lab.fetch(DAYS[1], DAYS[0])
    assert set_aside(resources, DAYS[1]) == {}
    inputs = ohlcv.inputs(resources.lake, DAYS[1], resources.settings)
    assert ohlcv.current(resources.lake, DAYS[1], resources.settings, inputs) is None
    with pytest.raises(
        dg.Failure, match="ohlcv/2025-03-02 was not judged beside ohlcv/2025-03-01 as it is now"
    ):
        lab.run(features, DAYS[1], resources)
    lab.fetch(DAYS[1])
    assert set_aside(resources, DAYS[1]) == {"SOL/USDT": "jump"}


def test_what_is_stored_outlives_every_change_of_the_settings_and_of_the_source(
    lab: Lab, market: dict[str, Days]
) -> None:
    days = {
        day: table if day < DAYS[1] else swapped(table, 1000.0) for day, table in market["SOL/USDT"].items()
    }
    swap = {"symbol": "SOL/USDT", "moment": f"{DAYS[1]}T00:00:00Z", "factor": 1000}
    declared = {"candles.redenominations": [swap]}
    lab.store({**market, "SOL/USDT": days})
    lab.fetch(*DAYS[:2])
    lab.store({**market, "SOL/USDT": {}})
    right = pytest.approx(market["SOL/USDT"][DAYS[1]]["close"].to_pylist())
    for changes in (declared, {**declared, "candles.maximum_absent_share": 0.2}):
        resources = lab.fetch(*DAYS[:2], **changes)
        assert closes(resources, DAYS[1], "SOL/USDT") == right
    withdrawn = lab.fetch(DAYS[1])
    assert set_aside(withdrawn, DAYS[1]) == {"SOL/USDT": "jump"}
    kept = withdrawn.lake.read_table("ohlcv", DAYS[1], "quarantine")["close"].to_pylist()
    assert kept == pytest.approx(days[DAYS[1]]["close"].to_pylist())
    fewer = lab.fetch(DAYS[1], **{"universe.symbols": ["BTC/USDT", "ETH/USDT"]})
    assert closes(fewer, DAYS[1], "SOL/USDT", "former") == pytest.approx(kept)
    assert closes(lab.fetch(DAYS[1], **declared), DAYS[1], "SOL/USDT") == right


def test_a_source_that_was_mended_goes_before_what_is_stored_and_one_that_got_worse_behind_it(
    lab: Lab, market: dict[str, Days]
) -> None:
    right = market["SOL/USDT"][DAYS[0]]
    lab.store({**market, "SOL/USDT": {DAYS[0]: swapped(right, 7.77)}})
    lab.fetch(DAYS[0])
    lab.store({**market, "SOL/USDT": {DAYS[0]: right.slice(0, 23)}})
    mended = lab.fetch(DAYS[0])
    assert closes(mended, DAYS[0], "SOL/USDT") == [*right["close"].to_pylist()[:23], None]
    high = pa.array([0.1 if row < 4 else value for row, value in enumerate(right["high"].to_pylist())])
    worse = right.set_column(right.column_names.index("high"), right.schema.field("high"), high)
    lab.store({**market, "SOL/USDT": {DAYS[0]: worse}})
    assert closes(lab.fetch(DAYS[0]), DAYS[0], "SOL/USDT") == closes(mended, DAYS[0], "SOL/USDT")


def test_candles_of_a_day_outside_of_the_membership_lie_beside_the_others(
    lab: Lab, market: dict[str, Days]
) -> None:
    lab.store(market)
    known = closes(lab.fetch(*DAYS[:2]), DAYS[1], "SOL/USDT")
    left = {"universe.membership": {"SOL/USDT": {"last_day": DAYS[0].isoformat()}}}
    resources = lab.fetch(DAYS[1], **left)
    assert closes(resources, DAYS[1], "SOL/USDT") == [None] * 24
    assert closes(resources, DAYS[1], "SOL/USDT", "former") == known


def test_the_last_close_is_known_over_a_day_that_was_refused_and_over_one_that_is_missing(
    lab: Lab, market: dict[str, Days]
) -> None:
    days = {
        day: table if day < DAYS[1] else swapped(table, 1000.0) for day, table in market["SOL/USDT"].items()
    }
    lab.store({"SOL/USDT": days})
    alone = {"universe.symbols": ["SOL/USDT"]}
    lab.fetch(DAYS[0], **alone)
    for day in (DAYS[1], DAYS[3]):
        with pytest.raises(DagsterAssetCheckFailedError):
            lab.fetch(day, **alone)
        assert set_aside(lab.resources(**alone), day) == {"SOL/USDT": "jump"}


def test_a_day_whose_volumes_are_corrected_leaves_the_days_after_it_as_they_are(
    lab: Lab, market: dict[str, Days]
) -> None:
    lab.store(market)
    resources = lab.fetch(*DAYS[:2])
    first = market["SOL/USDT"][DAYS[0]]
    volume = pa.array([value * 2 for value in first["volume"].to_pylist()])
    more = first.set_column(first.column_names.index("volume"), first.schema.field("volume"), volume)
    lab.store({**market, "SOL/USDT": {**market["SOL/USDT"], DAYS[0]: more}})
    lab.fetch(DAYS[0])
    inputs = ohlcv.inputs(resources.lake, DAYS[1], resources.settings)
    assert ohlcv.current(resources.lake, DAYS[1], resources.settings, inputs) is not None
    lab.run(features, DAYS[1], resources)


def test_a_lake_of_a_version_that_knew_no_last_closes_is_read_on(lab: Lab, market: dict[str, Days]) -> None:
    lab.store(market)
    resources = lab.fetch(*DAYS[:2])
    for day in DAYS[:2]:
        manifest = resources.lake.require("ohlcv", day)
        old = {"data.parquet": resources.lake.read_file("ohlcv", day, "data.parquet")}
        resources.lake.write("ohlcv", day, old, origin=Origin(source=manifest.source))
    lab.fetch(DAYS[2])
    for day in DAYS[1:3]:
        lab.run(features, day, resources)
