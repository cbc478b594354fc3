"""The asset `regimes` over a lake: counts that are carried from day to day, and where they begin anew."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from huracan.candles.schema import TIME, day_start
from huracan.regimes.counts import ObservationCounts
from huracan.regimes.observations import lay_features_on_grid, measure, read_columns
from huracan.verdict import Verdict
from huracan_assets.inputs.recipes import recipe_for
from huracan_assets.inputs.windows import lead_days
from huracan_assets.market.regimes import COUNTS, regimes
from huracan_assets.reads import resolve_all
from huracan_assets.registry import stages
from huracan_assets.running import Made, run_stage
from huracan_assets.stage import StageContext
from huracan_resources.lake.parquet import encode_table
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings
from tests.huracan.conftest import made_candles

FIRST = date(2024, 5, 1)
SYMBOLS = ("BTC/USDT", "ETH/USDT")
BARS = 1440
PERCENTILES = ("volatility_percentile", "fall_percentile", "direction_percentile")


class Home:
    """A lake with candles and features of the days from FIRST on, made as asked for."""

    def __init__(self, path: Path) -> None:
        chosen = {"universe.symbols": list(SYMBOLS), "universe.timeframe": "1m", "regimes.minimum_days": 1}
        chosen |= {"market.decision_timeframe": "1m", "universe.first_day": FIRST.isoformat()}
        self.resources = Resources(load_settings(chosen, {"HURACAN_HOME": str(path)}))
        self.lake = self.resources.lake
        self.first_labelled = lead_days(self.resources.settings)
        self.made: list[Made] = []
        for number in range(self.first_labelled + 11):
            self.write_day(number)

    def write_day(self, number: int, volatility_bps: float = 5.0) -> None:
        day, random = FIRST + timedelta(days=number), np.random.default_rng(number)
        names = read_columns(recipe_for(self.resources.settings).names)[3:]
        start, count = int(day_start(day).timestamp() * 1000), len(SYMBOLS) * BARS
        level = volatility_bps * np.exp(np.repeat(random.normal(0.0, 0.6, count // 60), 60))
        scales = {"return_std_60_bps": 0.0, "return_60_bps": 60**0.5, "return_15_bps": 15**0.5}
        columns = {
            name: level * scales.get(name, 7.0) * random.normal(size=count)
            if name.endswith("_bps")
            else random.lognormal(size=count)
            for name in names
        }
        columns["return_std_60_bps"] = level
        keys = {
            "symbol": np.repeat(SYMBOLS, BARS),
            "open_time": pa.array(np.tile(start + np.arange(BARS) * 60_000, len(SYMBOLS))).cast(TIME),
            "is_ready": np.arange(count) % BARS != 700,
        }
        self.lake.write("features", day, {"data.parquet": encode_table(pa.table(keys | columns))})

    def make(self, number: int) -> Made:
        settings, day = self.resources.settings, FIRST + timedelta(days=number)
        if self.lake.manifest("ohlcv", day) is None:
            candles = encode_table(made_candles(day, 1, symbols=SYMBOLS))
            self.lake.write("ohlcv", day, {"data.parquet": candles})
        digest = regimes.configuration_digest(settings)
        self.made.append(run_stage(regimes, StageContext("regimes", day, settings, self.resources, digest)))
        return self.made[-1]

    def counts(self, number: int) -> pa.Table:
        return self.lake.read_table("regimes", FIRST + timedelta(days=number), COUNTS)

    def features(self, number: int) -> pa.Table:
        return self.lake.read_table("features", FIRST + timedelta(days=number))


def _bars(counts: pa.Table, symbol: str = SYMBOLS[0]) -> int:
    own = counts.filter((pc.field("symbol") == symbol) & (pc.field("measure") == "fall_bps"))
    return int(pc.sum(own["bars"]).as_py())


def _ranked_among(made: Made) -> str:
    assert made.outcome is not None
    return str(made.outcome.metadata["ranked_among"])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Two days are made: the first that can be, and the next."""
    home = Home(tmp_path_factory.mktemp("home"))
    for number in (0, 1):
        home.make(home.first_labelled + number)
    return home


def test_the_first_day_ranks_among_the_days_of_its_fit_and_each_day_carries_all_before_it_on(
    home: Home,
) -> None:
    first = home.first_labelled
    assert _bars(home.counts(first)) == (first + 1) * (BARS - 1)
    assert _bars(home.counts(first + 1)) == (first + 2) * (BARS - 1)
    assert home.counts(first + 1)["since"][0].as_py() == FIRST
    assert "no day before it" in _ranked_among(home.made[0])
    assert _ranked_among(home.made[1]) == f"{2 * (first + 1) * (BARS - 1):,} bars since {FIRST}"
    read = [key for key in home.made[1].manifest.inputs if key.startswith("regimes/")]
    assert read == [f"regimes/{FIRST + timedelta(days=first)}#{COUNTS}"]
    assert not home.made[1].manifest.failed_verdicts


def test_a_day_is_ranked_among_the_days_before_it_alone(home: Home) -> None:
    number = home.first_labelled + 1
    known = ObservationCounts.from_table(home.counts(number - 1))
    grid = lay_features_on_grid(home.features(number))
    expected = known.percentiles(SYMBOLS, measure(grid), BARS).reshape(-1, 3)
    table = home.lake.read_table("regimes", FIRST + timedelta(days=number), "absolute")
    for column, name in zip(expected.T, PERCENTILES, strict=True):
        np.testing.assert_array_equal(table[name].to_numpy(), column.astype(np.float32))
    assert table["volatility_percentile"].null_count == len(SYMBOLS)
    assert table["absolute_regime"].null_count == 0


def test_a_wild_day_is_known_to_the_days_after_it_and_not_to_itself(tmp_path: Path) -> None:
    home = Home(tmp_path)
    first = home.first_labelled
    home.write_day(first + 1, volatility_bps=500.0)
    home.write_day(first + 2, volatility_bps=500.0)
    shares = []
    for number in (first, first + 1, first + 2):
        home.make(number)
        table = home.lake.read_table("regimes", FIRST + timedelta(days=number), "absolute")
        shares.append(pc.mean(table["volatility_percentile"]).as_py())
    assert shares[1] > 99.9 and shares[0] < 60.0 < shares[2] < 95.0


def test_counts_of_another_recipe_and_a_day_that_has_none_begin_anew_and_say_so(tmp_path: Path) -> None:
    home = Home(tmp_path)
    first = home.first_labelled
    before = FIRST + timedelta(days=first)
    home.make(first)
    table = home.counts(first)
    other = table.set_column(5, "recipe", pa.array(["of before"] * table.num_rows))
    home.lake.write("regimes", before, {f"{COUNTS}.parquet": encode_table(other)})
    assert "another recipe" in _ranked_among(home.make(first + 1))
    assert _bars(home.counts(first + 1)) == (first + 2) * (BARS - 1)
    home.lake.write("regimes", before, {}, note="Of a version before there were counts.")
    made = home.make(first + 1)
    assert "no day before it" in _ranked_among(made)
    assert not [key for key in made.manifest.inputs if key.startswith("regimes/")]


@pytest.mark.parametrize("number", [4, 10])
def test_the_counts_reach_over_a_hole_of_any_length_and_say_what_they_lack(
    tmp_path: Path, number: int
) -> None:
    home = Home(tmp_path)
    first = home.first_labelled
    home.make(first)
    carried = FIRST + timedelta(days=first)
    assert f"without the {number - 1} days after {carried}" in _ranked_among(home.make(first + number))
    assert _bars(home.counts(first + number)) == (first + 2) * (BARS - 1)


def test_a_day_that_was_judged_bad_stops_no_later_day_and_its_counts_are_carried_on(tmp_path: Path) -> None:
    home = Home(tmp_path)
    first = home.first_labelled
    home.make(first)
    bad = FIRST + timedelta(days=first)
    files = {f"{COUNTS}.parquet": encode_table(home.counts(first))}
    home.lake.write("regimes", bad, files, verdicts=[Verdict("regime_coverage", False, "It says nothing.")])
    made = home.make(first + 1)
    assert not made.manifest.failed_verdicts
    assert _bars(home.counts(first + 1)) == (first + 2) * (BARS - 1)


def test_a_day_that_began_anew_is_stale_once_a_day_before_it_has_counts(tmp_path: Path) -> None:
    home = Home(tmp_path)
    first = home.first_labelled
    home.write_day(first + 1, volatility_bps=50.0)
    assert "no day before it" in _ranked_among(home.make(first + 2))
    assert home.make(first + 2).outcome is None
    home.make(first)
    made = home.make(first + 2)
    assert "without the day after" in _ranked_among(made)
    home.make(first + 1)
    assert "counted anew" not in _ranked_among(made := home.make(first + 2))
    assert f"regimes/{FIRST + timedelta(days=first + 1)}#{COUNTS}" in made.manifest.inputs


def test_what_reads_the_labels_does_not_see_that_other_days_were_counted_before(tmp_path: Path) -> None:
    home = Home(tmp_path)
    day, number = FIRST + timedelta(days=home.first_labelled + 2), home.first_labelled + 2
    before = home.make(number).manifest
    home.make(home.first_labelled)
    after = home.make(number).manifest
    assert after.content_hash != before.content_hash
    hashes = {name: (before.files[name].sha256, after.files[name].sha256) for name in before.files}
    assert hashes["absolute.parquet"][0] != hashes["absolute.parquet"][1]
    assert hashes["data.parquet"][0] == hashes["data.parquet"][1]
    reads = [
        (stage.name, read)
        for stage in stages()
        for read in stage.reads
        if read.asset == "regimes" and stage.name not in {"regimes", "baseline_brain"}
    ]
    assert {"shadow_trades", "ppo_checkpoint", "trade_context", "loss_analysis"} <= {
        name for name, _ in reads
    }
    for name, read in reads:
        at = replace(read, days=1, ends=0, key="")
        inputs = resolve_all(home.lake, [at], day, home.resources.settings)
        assert inputs.hashes() == {f"regimes/{day}#data": hashes["data.parquet"][0]}, name


def test_a_day_that_is_made_again_is_the_same_and_one_whose_past_has_changed_is_not(tmp_path: Path) -> None:
    home = Home(tmp_path)
    first = home.first_labelled
    made = [home.make(first + number) for number in (0, 1)]
    assert home.make(first + 1).outcome is None
    home.write_day(first, volatility_bps=50.0)
    home.make(first)
    again = home.make(first + 1)
    assert again.outcome is not None and again.manifest.content_hash != made[1].manifest.content_hash
    home.write_day(first)
    assert [home.make(first + number).manifest.content_hash for number in (0, 1)] == [
        each.manifest.content_hash for each in made
    ]
