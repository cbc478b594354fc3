"""How long the analyses of a day's wins and losses take, with the rules tried on the days before.

    python benchmarks/analysis.py                        20 symbols, 30 days before, about 400 trades a day
    python benchmarks/analysis.py --symbols 3 --json     one line

A market of random walks is written into a lake in a temporary directory, with as many feature columns as the
recipe has, and traded by a script; then the steps of the two assets are timed on the last day. The search for
similar trades is not among them: see the memory's own benchmark.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa

DAY, BARS = date(2023, 6, 30), 1440


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--symbols", type=int, default=20)
    parser.add_argument("--days", type=int, default=30, help="before the day")
    parser.add_argument("--trades", type=int, default=400, help="a day, about")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="huracan-bench-") as home:
        report = measure(Path(home), arguments)
    print(json.dumps(report) if arguments.json else describe(report))


def measure(home: Path, arguments: argparse.Namespace) -> dict[str, float]:
    from huracan_resources.resources import Resources
    from huracan_resources.settings.settings import load_settings

    resources = Resources(load_settings(environ={"HURACAN_HOME": str(home)}))
    trades = [
        write_day(resources, DAY - timedelta(days=back), arguments) for back in range(arguments.days, -1, -1)
    ]
    analyse(resources, pa.concat_tables(trades[:-1]))  # compiles and fills the file cache
    report = {"symbols": arguments.symbols, "days_before": arguments.days}
    report |= analyse(resources, pa.concat_tables(trades[:-1]))
    return report | {"peak_mb": psutil.Process().memory_info().rss / 2**20}


def write_day(resources: Any, day: date, arguments: argparse.Namespace) -> pa.Table:
    """The partitions of a day, made up and traded; its trades."""
    from huracan.candles.market_info import MARKET_INFO_FILE
    from huracan.candles.schema import OHLCV_SCHEMA, TIME
    from huracan.features.recipe import EVERY_COLUMN
    from huracan.market.block_tables import build_market_block
    from huracan.market.costs import CostAssumptions
    from huracan.market.paper.provenance import Provenance
    from huracan.market.paper.session import trade_session
    from huracan.market.policy import ScriptedPolicy
    from huracan.market.rules import TradingRules
    from huracan.regimes.model import REGIMES
    from huracan_resources.lake.parquet import encode_table

    random = np.random.default_rng(day.toordinal())
    symbols, rows = arguments.symbols, arguments.symbols * BARS
    close = 100 * np.exp(np.cumsum(random.standard_normal((symbols, BARS)) * 5e-4, axis=1))
    opened = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
    wick = np.abs(random.standard_normal((2, symbols, BARS))) * 3e-4
    start = (day - date(1970, 1, 1)).days * 86_400_000
    times = pa.array(np.tile(start + np.arange(BARS) * 60_000, symbols)).cast(TIME)
    keys = {"symbol": np.repeat([f"S{n:02d}/USDT" for n in range(symbols)], BARS), "open_time": times}
    candles = keys | {
        "close_time": times,
        "open": opened.reshape(-1),
        "high": (np.maximum(opened, close) * (1 + wick[0])).reshape(-1),
        "low": (np.minimum(opened, close) * (1 - wick[1])).reshape(-1),
        "close": close.reshape(-1),
        "volume": random.gamma(2.0, 5e3, rows),
        "trade_count": random.integers(1, 500, rows),
        "taker_buy_volume": random.gamma(2.0, 2e3, rows),
        "status": ["traded"] * rows,
        "funding_rate": pa.nulls(rows),
    }
    regime = np.repeat(random.integers(0, 4, (symbols, BARS // 60)), 60, axis=1).reshape(-1)
    features = {name: random.standard_normal(rows).astype(np.float32) for name in EVERY_COLUMN.names}
    volatility = 5 * np.exp(np.cumsum(random.standard_normal((symbols, BARS)) / 50, axis=1))
    features["return_std_60_bps"] = volatility.reshape(-1).astype(np.float32)
    tables = {
        "ohlcv": pa.table({f.name: pa.array(candles[f.name], f.type) for f in OHLCV_SCHEMA}),
        "features": pa.table(keys | {"is_ready": np.ones(rows, bool)} | features),
        "regimes": pa.table(
            keys
            | {"regime": np.array(REGIMES)[regime]}
            | {f"probability_{name}": np.full(rows, 0.25, np.float32) for name in REGIMES}
        ),
    }
    for name, table in tables.items():
        resources.lake.write(name, day, {"data.parquet": encode_table(table)})
    resources.lake.write("market_costs", day, {MARKET_INFO_FILE: b"{}"})
    block = build_market_block(tables["ohlcv"], tables["features"], tables["regimes"], EVERY_COLUMN.names)
    chance = arguments.trades / (symbols * BARS)
    script = np.where(random.random((BARS, symbols)) < 1.5 * chance, 2, 5)
    script = np.where(random.random((BARS, symbols)) < 0.02, 4, script)
    made_by = Provenance("model", "data", "configuration", True)
    policy = ScriptedPolicy(script, is_lenient=True)
    session = trade_session(block, policy, TradingRules(), CostAssumptions(), made_by)
    files = {"data": session.trades, "session": session.bars, "open_positions": session.open_positions}
    resources.lake.write(
        "shadow_trades", day, {f"{name}.parquet": encode_table(t) for name, t in files.items()}
    )
    known = pa.table(
        {
            "trade_id": session.trades["trade_id"],
            "similar_trades": random.integers(0, 20, session.trades.num_rows),
            "pattern_win_probability": random.random(session.trades.num_rows),
            "pattern_mean_net_bps": random.standard_normal(session.trades.num_rows) * 10,
        }
    )
    resources.lake.write("loss_analysis", day, {"data.parquet": encode_table(known)})
    return session.trades


def analyse(resources: Any, past_trades: pa.Table) -> dict[str, float]:
    """Seconds of the steps of the three assets on the last day, and how much there was to do."""
    from huracan.analysis.memory.embedding import fit_embedding
    from huracan.analysis.memory.neighbourhood import no_neighbours
    from huracan.analysis.rules.avoidance import AvoidanceRule, distinct_rules
    from huracan.analysis.rules.report import rules_table, with_trials
    from huracan.analysis.rules.trials import try_rules
    from huracan.analysis.trades.drivers import explain_trades
    from huracan.analysis.trades.loss_cases import BarLengths
    from huracan.analysis.trades.losses import analyse_losses
    from huracan.analysis.trades.luck import measure_luck
    from huracan.analysis.trades.trade_context import TradeContext
    from huracan.analysis.trades.wins import analyse_wins
    from huracan.candles.schema import Timeframe
    from huracan.features.recipe import EVERY_COLUMN
    from huracan.models.confidence import fit_confidence_model
    from huracan.models.past import past_trades as weighed
    from huracan_assets.analysis.loss_analysis import loss_analysis, past_days
    from huracan_assets.inputs.market_block import priced_block
    from huracan_assets.reads import Read, resolve_all
    from huracan_assets.stage import StageContext

    settings, lake = resources.settings, resources.lake
    market = settings.market
    own = map(Read, ("ohlcv", "market_costs", "features", "regimes"))
    reads = [*(r for r in loss_analysis.reads if r.key), *own]
    trades = lake.read_table("shadow_trades", DAY)
    model = fit_confidence_model(
        weighed(past_trades), EVERY_COLUMN.names, settings.models, market.rules.maximum_holding
    )
    statistics = fit_embedding(lake.read_table("features", DAY - timedelta(days=1)), EVERY_COLUMN.names, DAY)
    context = StageContext("loss_analysis", DAY, settings, resources, "")

    report: dict[str, float] = {}

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        report[f"{name}_seconds"] = time.perf_counter() - started

    with timed("resolve"):
        inputs = resolve_all(lake, reads, DAY, settings)
    with timed("drivers"):
        drivers = explain_trades(trades, statistics, model)
    with timed("luck"):
        luck = measure_luck(trades, priced_block(inputs, settings, DAY), market.rules, market.costs)
    with timed("wins_and_losses"):
        known = TradeContext.of(trades, no_neighbours(), luck, drivers)
        analyse_wins(trades, known, DAY)
        candles = lake.read_table("ohlcv", DAY)
        losses = analyse_losses(trades, known, DAY, BarLengths(Timeframe("1m"), Timeframe("1m")), candles)
    rules = distinct_rules(losses["rule"])
    with timed("rules"):
        trials = try_rules(rules, past_days(inputs, context), DAY, market.rules, market.costs)
        with_trials(losses, rules_table(losses, trials, DAY))
    report["whole_seconds"] = sum(report.values())
    with timed("of_it_reading"):
        days = list(past_days(inputs, context))
    sixty = [AvoidanceRule.read(f'{{"kind": "leave_aged", "minutes": {bars}}}') for bars in range(1, 61)]
    with timed("sixty_more_rules"):
        try_rules(sixty, days, DAY, market.rules, market.costs)
    report |= {"trades": trades.num_rows, "losses": losses.num_rows, "rules": len(rules)}
    return report | {"days_played": len(trials.days)}


def describe(report: dict[str, float]) -> str:
    return "\n".join(f"{name:<28}{value:12,.2f}" for name, value in report.items())


if __name__ == "__main__":
    main()
