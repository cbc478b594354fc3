"""Nights in a lake whose signals two gates judged: one refuses all of them, one passes all, and most win."""

from datetime import date

import numpy as np
import pyarrow as pa

from huracan.candles.schema import TIME, day_start
from huracan.gates.contract import BLOCK, PASS
from huracan.gates.judging.judge import judge_signals
from huracan_assets.gates.gate_stats import gate_stats
from huracan_assets.stage import Outcome, StageContext
from huracan_resources.lake.parquet import encode_table
from huracan_resources.resources import Resources
from tests.huracan.conftest import hourly_ledger
from tests.huracan.gates.columns import with_column
from tests.huracan.gates.test_judge import FixedGate

TRADES = 6


def fill_night(resources: Resources, day: date) -> pa.Table:
    """Write the night's trades and what the gates said of them; the trades."""
    generator, start = np.random.default_rng(day.toordinal()), round(day_start(day).timestamp() * 1000)
    opened = start + np.arange(TRADES) * 3_600_000
    trades = hourly_ledger(TRADES, seed=day.toordinal())
    trades = with_column(trades, "trade_id", [f"{day}-{number}" for number in range(TRADES)])
    trades = with_column(trades, "net_bps", generator.normal(40.0, 40.0, TRADES))
    for name, shift in (("signal_time", 0), ("entry_time", 0), ("exit_time", 1_800_000)):
        trades = with_column(trades, name, pa.array(opened + shift).cast(TIME))
    gates = {"harms": FixedGate((BLOCK,) * TRADES), "silent": FixedGate((PASS,) * TRADES)}
    for asset, table in (("shadow_trades", trades), ("gate_decisions", judge_signals(trades, gates))):
        resources.lake.write(asset, day, {"data.parquet": encode_table(table)})
    return trades


def run_gate_stats(resources: Resources, day: date) -> Outcome:
    """What the asset makes of the night, stored as its partition."""
    context = StageContext("gate_stats", day, resources.settings, resources, "")
    outcome = gate_stats.body(gate_stats.inputs(resources.lake, day, resources.settings), context)
    files = {f"{name}.parquet": encode_table(table) for name, table in outcome.tables.items()}
    resources.lake.write("gate_stats", day, files | dict(outcome.files), note=outcome.note)
    return outcome
