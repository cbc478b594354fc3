"""Hand-made trades and candles: every number is chosen, so every answer can be worked out by hand."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from huracan.analysis.memory.embedding import EmbeddingStatistics, fit_embedding
from huracan.analysis.memory.neighbourhood import no_neighbours
from huracan.analysis.trades.config import LossLimits
from huracan.analysis.trades.drivers import explain_trades
from huracan.analysis.trades.loss_cases import BarLengths
from huracan.analysis.trades.losses import analyse_losses
from huracan.analysis.trades.luck import Luck
from huracan.analysis.trades.trade_context import TradeContext
from huracan.analysis.trades.wins import analyse_wins
from huracan.candles.schema import OHLCV_SCHEMA, Timeframe, day_start
from huracan.market.ledger import FILLS_SCHEMA, TRADES_SCHEMA
from huracan.models.config import Unfit

DAY = date(2023, 6, 2)
NAMES = ("momentum", "volatility", "range", "volume")


def _trade(number: int, entry_minute: int, changes: dict[str, Any]) -> dict[str, Any]:
    """A long trade of 60 bars at 100 that lost 40 bps net, for no reason in particular."""
    entry = day_start(DAY) + timedelta(minutes=entry_minute)
    bars = changes.get("bars_held", 60)
    row: dict[str, Any] = {
        **dict.fromkeys(TRADES_SCHEMA.names),
        "trade_id": f"t{number:03d}",
        "symbol": "BTCUSDT",
        "side": "long",
        "size_multiplier": 1.0,
        "quantity": 10.0,
        "notional_usd": 1000.0,
        "signal_time": entry,
        "entry_time": entry,
        "entry_reference_price": 100.0,
        "entry_price": 100.02,
        "exit_time": entry + timedelta(minutes=bars),
        "exit_reference_price": 99.8,
        "exit_price": 99.78,
        "exit_reason": "TIME_OUT",
        "adds": 0,
        "scale_outs": 0,
        "bars_held": bars,
        "stop_price": 99.0,
        "target_price": 101.0,
        "gross_bps": -20.0,
        "fee_bps": 16.0,
        "spread_bps": 2.0,
        "slippage_bps": 2.0,
        "funding_bps": 0.0,
        "net_bps": -40.0,
        "estimated_cost_bps": 20.0,
        "max_favourable_bps": 10.0,
        "max_favourable_time": entry + timedelta(minutes=10),
        "max_adverse_bps": -25.0,
        "max_adverse_time": entry + timedelta(minutes=40),
        "entry_volatility_bps": 5.0,
        "exit_volatility_bps": 5.0,
        "regime": "range",
        "exit_regime": "range",
        "entry_features": [0.1 * number, -0.2, 0.3, 0.4],
        "action": "ENTER_FULL",
        "model_id": "m1",
        "data_hash": "h",
        "configuration_digest": "c",
        "is_simulated": False,
        **changes,
    }
    row["net_usd"] = row["net_bps"] * row["notional_usd"] * 1e-4
    return row


@pytest.fixture
def make_trades() -> Callable[..., pa.Table]:
    """Trades from dictionaries of what differs from the plain losing trade; one every ten minutes."""

    def make(*changes: dict[str, Any]) -> pa.Table:
        rows = [_trade(number, 10 * number, change) for number, change in enumerate(changes)]
        return pa.Table.from_pylist(rows, schema=TRADES_SCHEMA)

    return make


def last_fills(trades: pa.Table) -> pa.Table:
    """The fill that closed each trade, at its exit price: all there is where nothing was sold before."""
    columns = {
        "trade_id": trades["trade_id"],
        "time": trades["exit_time"],
        "kind": trades["exit_reason"],
        "quantity": trades["quantity"],
        "reference_price": trades["exit_reference_price"],
    }
    missing = {
        field.name: pa.nulls(len(trades), field.type) for field in FILLS_SCHEMA if field.name not in columns
    }
    return pa.table(columns | missing).select(FILLS_SCHEMA.names).cast(FILLS_SCHEMA)


SHORT = {
    "side": "short",
    "entry_price": 99.98,
    "exit_reference_price": 100.2,
    "exit_price": 100.22,
    "stop_price": 101.0,
    "target_price": 99.0,
    "action": "ENTER_SHORT_FULL",
}
"""What turns the plain trade into its mirror image: a short that lost as much."""


@pytest.fixture
def winning() -> dict[str, Any]:
    """What turns the plain trade into a win of 30 bps."""
    return {"gross_bps": 50.0, "net_bps": 30.0, "max_favourable_bps": 60.0, "exit_reason": "TARGET"}


@pytest.fixture
def feature_rows() -> Callable[[int, int], pa.Table]:
    """Feature rows of the days before DAY: correlated columns, a NaN here and there, seeded."""

    def make(days: int, seed: int) -> pa.Table:
        generator = np.random.default_rng(seed)
        count = days * 200
        values = generator.normal(size=(count, 4)) @ generator.normal(size=(4, 4)) * [1, 10, 0.1, 100] + 5
        values[::50, 2] = np.nan
        start = day_start(DAY) - timedelta(days=days)
        opened = [start + timedelta(minutes=7 * row) for row in range(count)]
        columns = {name: values[:, index].astype(np.float32) for index, name in enumerate(NAMES)}
        table = pa.table({"symbol": ["BTCUSDT"] * count, "open_time": opened, "is_ready": [True] * count})
        for name, column in columns.items():
            table = table.append_column(name, pa.array(column))
        return table

    return make


@pytest.fixture
def statistics(feature_rows: Callable[[int, int], pa.Table]) -> EmbeddingStatistics:
    return fit_embedding(feature_rows(5, 1), NAMES, DAY)


@pytest.fixture
def make_candles() -> Callable[..., pa.Table]:
    """One-minute candles of BTCUSDT from DAY 00:00 on, given as closes (None for a missing minute)."""

    def make(closes: list[float | None], start: datetime | None = None) -> pa.Table:
        begin = start or datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)
        rows = []
        for minute, close in enumerate(closes):
            row = dict.fromkeys(OHLCV_SCHEMA.names)
            row |= {
                "symbol": "BTCUSDT",
                "open_time": begin + timedelta(minutes=minute),
                "close_time": begin + timedelta(minutes=minute + 1),
                "status": "missing" if close is None else "traded",
                **dict.fromkeys(("open", "high", "low", "close"), close),
            }
            rows.append(row)
        return pa.Table.from_pylist(rows, schema=OHLCV_SCHEMA)

    return make


@pytest.fixture
def make_neighbours() -> Callable[..., pa.Table]:
    """`count` neighbours of the query, of which `wins` won 20 bps and the others lost 20."""
    from huracan.analysis.memory.neighbourhood import NEIGHBOURS_SCHEMA

    def make(query: int, count: int, wins: int, similarity: float = 0.9) -> pa.Table:
        rows = [
            {
                "query": query,
                "rank": index + 1,
                "trade_id": f"old{index}",
                "symbol": "BTCUSDT",
                "regime": "range",
                "closed_at": day_start(DAY) - timedelta(hours=1),
                "similarity": similarity,
                "net_bps": 20.0 if index < wins else -20.0,
                "is_winner": index < wins,
            }
            for index in range(count)
        ]
        return pa.Table.from_pylist(rows, schema=NEIGHBOURS_SCHEMA)

    return make


def make_luck(*percentiles: float | tuple[float, float], entries: int = 60) -> Luck:
    """The luck of trades by their percentiles: one for both ways, or one for each."""
    both = [pair if isinstance(pair, tuple) else (pair, pair) for pair in percentiles]
    same, ruled = np.array(both, dtype=np.float64).reshape(-1, 2).T
    count = np.full(len(both), entries)
    return Luck(same, ruled, count, np.zeros(len(both), np.int64))


def make_context(
    trades: pa.Table,
    statistics: EmbeddingStatistics,
    neighbours: pa.Table | None = None,
    luck: Luck | None = None,
) -> TradeContext:
    """Without a confidence model; without neighbours and of ordinary luck where none are given."""
    drivers = explain_trades(trades, statistics, Unfit("There is no model.", 0))
    luck = make_luck(*[50.0] * len(trades)) if luck is None else luck
    return TradeContext.of(trades, no_neighbours() if neighbours is None else neighbours, luck, drivers)


@pytest.fixture
def win(statistics: EmbeddingStatistics) -> Callable[..., pa.Table]:
    """The wins among trades, analysed without a confidence model; of ordinary luck where none is given."""

    def analyse(trades: pa.Table, neighbours: pa.Table | None = None, luck: Luck | None = None) -> pa.Table:
        return analyse_wins(trades, make_context(trades, statistics, neighbours, luck), DAY)

    return analyse


@pytest.fixture
def lose(statistics: EmbeddingStatistics) -> Callable[..., pa.Table]:
    """The same of the losses; `candles` are those of the day."""

    def analyse(
        trades: pa.Table,
        neighbours: pa.Table | None = None,
        candles: pa.Table | None = None,
        luck: Luck | None = None,
        limits: LossLimits | None = None,
        decided_on: str = "1m",
    ) -> pa.Table:
        context = make_context(trades, statistics, neighbours, luck)
        lengths = BarLengths(Timeframe("1m"), Timeframe(decided_on))
        return analyse_losses(trades, context, DAY, lengths, candles, limits)

    return analyse
