"""How long all gates take over a night's signals and positions, fitted and asked, with the market measured.

    python benchmarks/gates.py                          20 symbols, 30 signals each, 30 days of past trades
    python benchmarks/gates.py --symbols 3 --json       one line

Candles are random walks of a minute; past trades are as many a day as signals, with made-up facts and results
and as many entry features as the recipe has; each is held for half an hour, and decided on by the minute. The
models of past trades are fitted before and not timed; gates are fitted twice, as for the two nights in force.
"""

import argparse
import json
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

DAY, BARS = date(2025, 6, 30), 1440
START = datetime(2025, 6, 30, tzinfo=UTC)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--symbols", type=int, default=20)
    parser.add_argument("--signals", type=int, default=30, help="of each symbol, on the night")
    parser.add_argument("--days", type=int, default=30, help="of past trades")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    report = measure(arguments)
    print(json.dumps(report) if arguments.json else describe(report))


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    from huracan.analysis.patterns.table import PATTERNS_SCHEMA
    from huracan.features.recipe import EVERY_COLUMN
    from huracan.gates.contract import GateContext, SettingsByName
    from huracan.gates.judging.judged_day import BESIDE_SCHEMA, BookOfDay, MarketOfDay, judge_day
    from huracan.gates.roster import fit_gates, gate_kinds
    from huracan.market.facts.columns import facts_of
    from huracan.market.facts.signal_facts import MarketFacts, signal_facts
    from huracan.market.handover import as_night
    from huracan.market.ledger import POLICY
    from huracan.market.rules import TradingRules
    from huracan.models.confidence import fit_confidence_model
    from huracan.models.config import ModelConfig
    from huracan.models.conformal import fit_conformal_model
    from huracan.models.meta_label import fit_meta_label_model
    from huracan.models.past import past_trades

    names = EVERY_COLUMN.names
    a_day = arguments.symbols * arguments.signals
    candles = _candles(arguments.symbols)
    signals = _trades(a_day, arguments.symbols, len(names), days=1, seed=1)
    facts = signal_facts(signals, candles)
    before = _trades(a_day * arguments.days, arguments.symbols, len(names), arguments.days, seed=2)
    past, config = past_trades(before), ModelConfig()
    stored = facts.take(pa.array(np.random.default_rng(3).integers(0, facts.num_rows, before.num_rows)))
    stored = stored.set_column(0, "trade_id", past.trades["trade_id"])
    settings: SettingsByName = {name: kind.settings() for name, kind in gate_kinds().items()}
    context = GateContext(
        day=(START - timedelta(days=1)).date(),
        past=past,
        facts=facts_of(stored, past.trades["trade_id"]),
        patterns=PATTERNS_SCHEMA.empty_table(),
        confidence=fit_confidence_model(past, names, config, "2h"),
        meta_label=fit_meta_label_model(past, config, "2h"),
        conformal=fit_conformal_model(past, names, config, "2h"),
        settings=settings,
    )
    began = time.perf_counter()
    gates = [fit_gates(context) for _ in range(2)][-1]
    fitted = time.perf_counter() - began
    night, beside = as_night((START - timedelta(days=1)).date()), BESIDE_SCHEMA.empty_table()
    began = time.perf_counter()
    market = MarketOfDay(candles, MarketFacts(candles), TradingRules(), 1)
    book = BookOfDay(POLICY, signals, np.full(signals.num_rows, night), beside)
    day = judge_day(book, market, {night: gates}, {})
    judged = time.perf_counter() - began
    return {
        "signals": a_day,
        "past_trades": before.num_rows,
        "gates": len(gates),
        "decisions": day.decisions.num_rows,
        "marks": day.marks.num_rows,
        "fit_s": fitted,
        "judge_s": judged,
        "together_s": fitted + judged,
    }


def _candles(symbols: int) -> pa.Table:
    """The night's day and the one before it."""
    from huracan.candles.schema import OHLCV_SCHEMA, TIME

    random, parts = np.random.default_rng(0), []
    opens = pa.array([START + timedelta(minutes=bar - BARS) for bar in range(2 * BARS)]).cast(TIME)
    closes = pa.array([START + timedelta(minutes=bar - BARS + 1) for bar in range(2 * BARS)]).cast(TIME)
    for symbol in range(symbols):
        close = 100.0 * np.exp(np.cumsum(random.normal(0.0, 5e-4, 2 * BARS)))
        opened = np.append(close[:1], close[:-1])
        volume = random.gamma(2.0, 5.0, 2 * BARS)
        told = {
            "symbol": pa.array([f"S{symbol}/USDT"] * 2 * BARS),
            "open_time": opens,
            "close_time": closes,
            "open": opened,
            "high": np.maximum(opened, close) * 1.0002,
            "low": np.minimum(opened, close) * 0.9998,
            "close": close,
            "volume": volume,
            "trade_count": pa.nulls(2 * BARS, pa.int64()),
            "taker_buy_volume": volume * random.uniform(0.3, 0.7, 2 * BARS),
            "status": pa.array(["traded"] * 2 * BARS),
            "funding_rate": pa.nulls(2 * BARS, pa.float64()),
        }
        parts.append(pa.table(told).cast(OHLCV_SCHEMA))
    return pa.concat_tables(parts)


def _trades(count: int, symbols: int, features: int, days: int, seed: int) -> pa.Table:
    """TRADES_SCHEMA: the last of `days` is the night's when there is one, else the day before it."""
    from huracan.candles.schema import TIME
    from huracan.market.ledger import TRADES_SCHEMA
    from huracan.regimes.model import REGIMES

    random = np.random.default_rng(seed)
    begins = START - timedelta(days=days if days > 1 else 0)
    minutes = np.sort(random.integers(60, days * BARS - 240, count))
    signal = pa.array([begins + timedelta(minutes=int(minute)) for minute in minutes]).cast(TIME)
    left = pa.array([begins + timedelta(minutes=int(minute) + 30) for minute in minutes]).cast(TIME)
    rows = random.normal(size=(count, features)).astype(np.float32)
    net = random.normal(0.0, 30.0, count) + 20.0 * rows[:, 0]
    chances = random.dirichlet(np.ones(4), count)
    told: dict[str, Any] = {
        "trade_id": [f"{seed}-{number}" for number in range(count)],
        "symbol": [f"S{number % symbols}/USDT" for number in range(count)],
        "side": random.choice(["long", "short"], count).tolist(),
        "size_multiplier": random.choice([0.5, 1.0, 1.5], count),
        "signal_time": signal,
        "entry_time": signal,
        "exit_time": left,
        "exit_reason": np.where(net > 0.0, "TARGET", "STOP").tolist(),
        "gross_bps": net + 22.0,
        "net_bps": net,
        "estimated_cost_bps": random.uniform(15.0, 30.0, count),
        "entry_volatility_bps": random.uniform(5.0, 20.0, count),
        "entry_reference_price": np.full(count, 100.0),
        "regime": [REGIMES[index] for index in chances.argmax(axis=1)],
        **{f"probability_{name}": chances[:, index] for index, name in enumerate(REGIMES)},
        "entry_features": list(rows),
        "action_probabilities": list(random.dirichlet(np.ones(10), count).astype(np.float32)),
        "value_estimate": random.normal(size=count),
    }
    columns = [
        pa.array(told[field.name]).cast(field.type) if field.name in told else pa.nulls(count, field.type)
        for field in TRADES_SCHEMA
    ]
    return pa.table(columns, schema=TRADES_SCHEMA)


def describe(report: dict[str, Any]) -> str:
    return (
        f"{report['signals']:,} signals x {report['gates']} gates, after {report['past_trades']:,} past"
        f" trades: {report['together_s']:.2f} s (fit {report['fit_s']:.2f}, judge, with the market at signals"
        f" and positions, {report['judge_s']:.2f})"
    )


if __name__ == "__main__":
    main()
