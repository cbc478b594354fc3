"""A home on hourly candles whose days are traded on paper one by one, without a run of Dagster."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.agent.layout import initial_weights
from huracan.agent.normaliser import Normaliser
from huracan.agent.policy.checkpoint import save_policy
from huracan.agent.policy.greedy_policy import GreedyPolicy
from huracan.candles.market_info import MARKET_INFO_FILE
from huracan.candles.schema import OHLCV_SCHEMA, Timeframe
from huracan.candles.simulate import SimulatedMarket, SimulatedMarketConfig
from huracan.market.actions import action_names
from huracan.market.observation import observation_names
from huracan.regimes.model import REGIMES
from huracan.verdict import Verdict
from huracan_assets.inputs.file_names import seed_file
from huracan_assets.inputs.recipes import recipe_for
from huracan_assets.reads import resolve_all
from huracan_assets.shadow.shadow_trades import shadow_trades
from huracan_assets.stage import Outcome, Stage, StageContext
from huracan_resources.lake.manifest import Origin
from huracan_resources.lake.parquet import encode_table
from huracan_resources.resources import Resources

DAY = date(2025, 3, 20)
BEFORE = DAY - timedelta(days=1)
FIRST = DAY - timedelta(days=2)
SYMBOLS = ["BTC/USDT", "ETH/USDT"]
HOURS = {"universe.timeframe": "1h", "universe.symbols": SYMBOLS, "market.rules.maximum_holding": "2d"}


def checkpoint(columns: tuple[str, ...], seed: int = 0) -> bytes:
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
        """A policy of each night and two seeds, of which it is the first; each of other weights."""
        names = recipe_for(self.resources.settings).names
        for day in days:
            content = checkpoint(names, day.toordinal())
            seeds = {seed_file(0): content, seed_file(1): checkpoint(names, 10_000_000 + day.toordinal())}
            self.resources.lake.write("ppo_checkpoint", day, {"policy.safetensors": content} | seeds)

    def trade(
        self, day: date, verdicts: tuple[Verdict, ...] | None = None, stage: Stage = shadow_trades
    ) -> Outcome:
        """The day's partition of a book, written as a night would."""
        settings, lake = self.resources.settings, self.resources.lake
        inputs = resolve_all(lake, stage.reads, day, settings)
        digest = stage.configuration_digest(settings)
        outcome = stage.body(inputs, StageContext(stage.name, day, settings, self.resources, digest))
        for verdict in outcome.verdicts:
            assert verdict.passed or not verdict.blocking, verdict.reason
        files = {f"{name}.parquet": encode_table(table) for name, table in outcome.tables.items()}
        lake.write(
            stage.name,
            day,
            files | dict(outcome.files),
            origin=Origin(inputs.hashes(), stage.code_version, digest, "test"),
            verdicts=outcome.verdicts if verdicts is None else verdicts,
            note=outcome.note,
        )
        return outcome

    def is_current(self, day: date) -> bool:
        settings, lake = self.resources.settings, self.resources.lake
        inputs = shadow_trades.inputs(lake, day, settings)
        return shadow_trades.current(lake, day, settings, inputs) is not None
