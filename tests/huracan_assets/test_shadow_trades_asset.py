"""The day on paper as an asset: what it reads of the days before, who decides, and what it hands on."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from huracan.agent.layout import initial_weights
from huracan.agent.normaliser import Normaliser
from huracan.agent.policy.checkpoint import save_policy
from huracan.agent.policy.greedy_policy import GreedyPolicy
from huracan.candles.market_info import MARKET_INFO_FILE
from huracan.candles.schema import OHLCV_SCHEMA, Timeframe, day_start
from huracan.candles.simulate import SimulatedMarket, SimulatedMarketConfig
from huracan.errors import InputRefused
from huracan.features.recipe import EVERY_COLUMN
from huracan.market.actions import action_names
from huracan.market.observation import observation_names
from huracan.regimes.model import REGIMES
from huracan.verdict import Verdict
from huracan_assets.inputs.recipes import recipe_for
from huracan_assets.reads import resolve_all
from huracan_assets.shadow.shadow_trades import shadow_trades
from huracan_assets.stage import Outcome, StageContext
from huracan_resources.lake.manifest import Origin
from huracan_resources.lake.parquet import encode_table
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings

DAY = date(2025, 3, 20)
BEFORE = DAY - timedelta(days=1)
FIRST = DAY - timedelta(days=2)
SYMBOLS = ["BTC/USDT", "ETH/USDT"]
HOURS = {"universe.timeframe": "1h", "universe.symbols": SYMBOLS, "market.rules.maximum_holding": "2d"}


def _checkpoint(columns: tuple[str, ...], seed: int = 0) -> bytes:
    names, actions = observation_names(columns), action_names(False)
    weights = initial_weights(len(names), len(actions), (8, 8), np.random.default_rng(seed))
    return save_policy(GreedyPolicy(weights, (8, 8), Normaliser(len(names)), names, actions, None, 1.0), {})


@dataclass
class Paper:
    """A home on hourly candles whose days are traded one by one."""

    resources: Resources

    def market(self, *days: date) -> None:
        """Candles, features that a policy cannot foresee, and one regime."""
        simulated = SimulatedMarket(SimulatedMarketConfig(), SYMBOLS, Timeframe("1h"))
        names = recipe_for(self.resources.settings).names
        for day in days:
            generator = np.random.default_rng(day.toordinal())
            raw = [simulated.fetch_day(symbol, day) for symbol in SYMBOLS]
            candles = pa.concat_tables(
                [
                    table.append_column("symbol", pa.array([symbol] * 24))
                    for symbol, table in zip(SYMBOLS, raw, strict=True)
                ]
            )
            status = pa.array(["traded"] * 48)
            close_time = pc.add(candles["open_time"], pa.scalar(3_600_000, pa.duration("ms")))
            told = {"status": status, "close_time": close_time, "funding_rate": pa.nulls(48, pa.float64())}
            columns = {
                name: told.get(name, candles[name] if name in candles.column_names else None)
                for name in OHLCV_SCHEMA.names
            }
            keys = {"symbol": candles["symbol"], "open_time": candles["open_time"]}
            values = generator.standard_normal((len(names), 48)).astype(np.float32)
            features = pa.table({**keys, "is_ready": [True] * 48, **dict(zip(names, values, strict=True))})
            shares = {f"probability_{name}": np.full(48, 0.25, np.float32) for name in REGIMES}
            self.write("ohlcv", day, pa.table(columns, schema=OHLCV_SCHEMA))
            self.resources.lake.write("market_costs", day, {MARKET_INFO_FILE: b"{}"})
            self.write("features", day, features)
            self.write("regimes", day, pa.table({**keys, "regime": [REGIMES[0]] * 48, **shares}))

    def write(self, asset: str, day: date, table: pa.Table) -> None:
        self.resources.lake.write(
            asset, day, {"data.parquet": encode_table(table)}, origin=Origin(source="test")
        )

    def train(self, *days: date) -> None:
        """A policy of each night, each of other weights."""
        names = recipe_for(self.resources.settings).names
        for day in days:
            content = _checkpoint(names, day.toordinal())
            self.resources.lake.write("ppo_checkpoint", day, {"policy.safetensors": content})

    def trade(self, day: date, verdicts: tuple[Verdict, ...] | None = None) -> Outcome:
        """The day's partition, written as a night would."""
        settings, lake = self.resources.settings, self.resources.lake
        inputs = resolve_all(lake, shadow_trades.reads, day, settings)
        digest = shadow_trades.configuration_digest(settings)
        outcome = shadow_trades.body(
            inputs, StageContext("shadow_trades", day, settings, self.resources, digest)
        )
        for verdict in outcome.verdicts:
            assert verdict.passed, verdict.reason
        files = {f"{name}.parquet": encode_table(table) for name, table in outcome.tables.items()}
        lake.write(
            "shadow_trades",
            day,
            files | dict(outcome.files),
            origin=Origin(inputs.hashes(), shadow_trades.code_version, digest, "test"),
            verdicts=outcome.verdicts if verdicts is None else verdicts,
            note=outcome.note,
        )
        return outcome

    def is_current(self, day: date) -> bool:
        settings, lake = self.resources.settings, self.resources.lake
        inputs = shadow_trades.inputs(lake, day, settings)
        return shadow_trades.current(lake, day, settings, inputs) is not None


@pytest.fixture
def paper(tmp_path: Path) -> Paper:
    made = Paper(Resources(load_settings(HOURS, {"HURACAN_HOME": str(tmp_path)})))
    made.market(*(DAY - timedelta(days=back) for back in range(4, -2, -1)))
    return made


def _hour(moment: object) -> int:
    return moment.hour  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("columns", "settings", "why"),
    [
        (EVERY_COLUMN.names[1:], {}, "The checkpoint was trained on other columns"),
        (
            EVERY_COLUMN.names,
            {"market.rules.allow_short": True},
            "The checkpoint has another list of actions than the rules",
        ),
    ],
    ids=["new feature", "short sales"],
)
def test_a_day_whose_policy_knows_other_columns_or_actions_stays_untraded_and_says_why(
    tmp_path: Path, columns: tuple[str, ...], settings: dict[str, object], why: str
) -> None:
    resources = Resources(load_settings(settings, {"HURACAN_HOME": str(tmp_path)}))
    resources.lake.write("ppo_checkpoint", BEFORE, {"policy.safetensors": _checkpoint(columns)})
    for asset in ("features", "regimes", "ohlcv", "market_costs"):
        resources.lake.write(asset, DAY, {"data.parquet": encode_table(pa.table({"value": [1]}))})
    inputs = resolve_all(resources.lake, shadow_trades.reads, DAY, resources.settings)
    context = StageContext("shadow_trades", DAY, resources.settings, resources, "")
    outcome = shadow_trades.body(inputs, context)
    assert not outcome.tables and not outcome.verdicts
    assert outcome.note.startswith(f"No policy of the day before {DAY}: {why}")


def test_the_first_day_of_a_home_begins_flat_and_nobody_decides_before_the_handover(paper: Paper) -> None:
    paper.train(FIRST - timedelta(days=1))
    outcome = paper.trade(FIRST)
    session, decisions = outcome.tables["session"], outcome.tables["decisions"]
    assert session.num_rows == 48 and session["open_time"][0].as_py() == day_start(FIRST)
    early = [row for row in session.to_pylist() if _hour(row["open_time"]) < 4]
    assert {row["action"] for row in early} == {"WAIT"} and {row["cash_usd"] for row in early} == {10_000.0}
    assert {_hour(each) for each in decisions["open_time"].to_pylist()} == set(range(4, 24))
    told = str(outcome.metadata["model_id_before_04:00"])
    assert told.startswith("none: no usable checkpoint of that night")


def test_a_day_goes_on_from_the_accounts_of_the_day_before_and_records_their_table_alone(
    paper: Paper,
) -> None:
    paper.train(FIRST - timedelta(days=1), FIRST, BEFORE)
    first = paper.trade(FIRST)
    second = paper.trade(BEFORE)
    third = paper.trade(DAY)
    for before, after in ((first, second), (second, third)):
        left = dict(
            zip(
                *(before.tables["open_positions"][name].to_pylist() for name in ("symbol", "equity_usd")),
                strict=True,
            )
        )
        opened = [row for row in after.tables["session"].to_pylist() if _hour(row["open_time"]) == 0]
        assert {row["symbol"]: row["equity_usd"] - row["result_usd"] for row in opened} == pytest.approx(left)
    assert any(outcome.tables["open_positions"]["side"].null_count < 2 for outcome in (first, second))
    over_midnight = [
        row
        for row in [*second.tables["data"].to_pylist(), *third.tables["data"].to_pylist()]
        if row["entry_time"].date() < row["exit_time"].date()
    ]
    assert over_midnight, "some trade outlived a midnight"
    manifest = paper.resources.lake.require("shadow_trades", DAY)
    keys = [key for key in manifest.inputs if key.startswith("shadow_trades/")]
    assert keys == [f"shadow_trades/{BEFORE}#open_positions"]
    models = third.tables["decisions"].to_pylist()
    by_hour = {_hour(row["open_time"]): row["model_id"] for row in models}
    assert by_hour[0] == by_hour[3] != by_hour[4] == by_hour[23]
    assert by_hour[4] == third.metadata["model_id_from_04:00"]


def test_a_remake_stops_where_the_accounts_agree_again(paper: Paper) -> None:
    paper.train(FIRST - timedelta(days=1), FIRST)
    made = paper.trade(FIRST)
    paper.trade(BEFORE)
    assert paper.is_current(BEFORE)
    lake = paper.resources.lake
    files = {f"{name}.parquet": encode_table(table) for name, table in made.tables.items()}
    lake.write(
        "shadow_trades", FIRST, {**files, "signals.parquet": encode_table(made.tables["signals"].slice(1))}
    )
    assert paper.is_current(BEFORE), "only the accounts count"
    accounts = made.tables["open_positions"]
    place = accounts.column_names.index("cash_usd")
    other = accounts.set_column(place, "cash_usd", pc.add(accounts["cash_usd"], 1.0))
    lake.write("shadow_trades", FIRST, {**files, "open_positions.parquet": encode_table(other)})
    assert not paper.is_current(BEFORE)


def test_without_a_policy_the_accounts_go_on_and_nothing_is_entered(paper: Paper) -> None:
    paper.train(FIRST - timedelta(days=1), FIRST)
    paper.trade(FIRST)
    paper.trade(BEFORE)
    lake = paper.resources.lake
    for day in (FIRST, BEFORE):
        lake.write("ppo_checkpoint", day, {}, note="Nothing was trained.")
    outcome = paper.trade(DAY)
    assert outcome.tables["decisions"].num_rows == outcome.tables["signals"].num_rows == 0
    assert set(outcome.tables["session"]["action"].to_pylist()) <= {"WAIT", "HOLD"}
    assert outcome.tables["open_positions"].num_rows == 2 and not outcome.note
    assert outcome.metadata["model_id_from_04:00"] == "none: Nothing was trained."
    assert {row["entry_time"].date() for row in outcome.tables["data"].to_pylist()} <= {FIRST, BEFORE}


@pytest.mark.parametrize("is_bad", [False, True])
def test_a_day_before_that_is_missing_or_bad_is_refused_with_what_hangs_on_it(
    paper: Paper, is_bad: bool
) -> None:
    paper.train(FIRST - timedelta(days=1), FIRST, BEFORE)
    paper.trade(FIRST)
    if is_bad:
        paper.trade(BEFORE, verdicts=(Verdict("ledger_conservation", False, "A cent is missing."),))
    with pytest.raises(InputRefused) as refused:
        paper.trade(DAY)
    assert "The day after it goes on from what was open at its end." in str(refused.value)
    assert f"shadow_trades/{BEFORE}" in refused.value.what


def test_after_a_version_that_ended_its_days_flat_the_first_day_begins_flat(paper: Paper) -> None:
    paper.train(FIRST - timedelta(days=1), FIRST)
    made = paper.trade(FIRST)
    old = {f"{name}.parquet": encode_table(made.tables[name]) for name in ("data", "fills", "session")}
    paper.resources.lake.write("shadow_trades", FIRST, old, origin=Origin(source="test"))
    outcome = paper.trade(BEFORE)
    opened = [row for row in outcome.tables["session"].to_pylist() if _hour(row["open_time"]) == 0]
    assert {row["equity_usd"] - row["result_usd"] for row in opened} == {10_000.0}
    manifest = paper.resources.lake.require("shadow_trades", BEFORE)
    assert not any(key.startswith("shadow_trades/") for key in manifest.inputs)


def test_accounts_that_begin_flat_after_more_than_a_week_say_what_nobody_goes_on_from(paper: Paper) -> None:
    paper.train(FIRST - timedelta(days=1), FIRST, BEFORE)
    first = paper.trade(FIRST)
    assert "accounts" not in first.metadata and "accounts" not in paper.trade(BEFORE).metadata
    held = [row["side"] is not None for row in paper.trade(DAY).tables["open_positions"].to_pylist()]
    later = DAY + timedelta(days=9)
    paper.market(*(later - timedelta(days=back) for back in range(4, -1, -1)))
    paper.train(later - timedelta(days=1))
    assert paper.trade(later).metadata["accounts"] == (
        f"They begin flat: more than a week without a day on paper followed, so the {sum(held)} positions"
        f" that were open at the end of {DAY} and that day's money are carried by none."
    )


def test_accounts_that_wait_for_regimes_are_not_dropped(paper: Paper) -> None:
    paper.train(FIRST - timedelta(days=1), FIRST, BEFORE)
    paper.trade(FIRST)
    paper.resources.lake.write("regimes", BEFORE, {}, note="Too little history.")
    with pytest.raises(InputRefused, match="the accounts of the day before wait for them"):
        paper.trade(BEFORE)
