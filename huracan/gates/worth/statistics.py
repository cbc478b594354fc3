"""What each gate was worth: the outcomes of the signals it passed beside those it would have refused.

Every signal that is judged was shadow-traded, so the refused ones have outcomes too. A resized trade is taken
to make its factor of what the whole one made: that slippage grows with size is left out. Nothing is decided
here.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.errors import InvalidInput
from huracan.evaluation.wilson import wilson_interval
from huracan.gates.contract import ABSTAIN, BLOCK, PASS, size_factor_in, verdict_in
from huracan.tables import FLOAT, INTEGER, TEXT, Column, arrow_schema

GATE_STATISTICS_COLUMNS = (
    Column("gate", TEXT, "name of the gate, or combined: all together"),
    Column("judged", INTEGER, "signals that were traded and shown to it"),
    Column("passed", INTEGER, "signals that it let pass"),
    Column("blocked", INTEGER, "signals that it would have refused"),
    Column("abstained", INTEGER, "signals that it had no ground to judge"),
    Column("block_rate", FLOAT, "blocked, of passed and blocked; null where it only abstained", "0 to 1"),
    Column("passed_mean_net_bps", FLOAT, "mean net of the passed trades; null without one", "bps"),
    Column(
        "passed_net_usd",
        FLOAT,
        "their net, each times the factor by which the gate resizes it; 0 without one",
        "USD",
    ),
    Column("passed_win_rate", FLOAT, "share of them that won net of costs; null without one", "0 to 1"),
    Column("passed_win_rate_low", FLOAT, "lower end of its Wilson interval of 95 %; null likewise", "0 to 1"),
    Column("passed_win_rate_high", FLOAT, "upper end; null likewise", "0 to 1"),
    Column("blocked_mean_net_bps", FLOAT, "mean net of the blocked trades; null without one", "bps"),
    Column("blocked_net_usd", FLOAT, "their net; 0 without one", "USD"),
    Column("good_blocks", INTEGER, "blocked trades that lost"),
    Column("bad_blocks", INTEGER, "blocked trades that made money"),
    Column(
        "saved_usd",
        FLOAT,
        "what refusing the blocked ones and resizing passed ones would have saved; below 0: cost",
        "USD",
    ),
)
GATE_STATISTICS_SCHEMA = arrow_schema(GATE_STATISTICS_COLUMNS)
"""One row per gate, `combined` included, in the order of the decisions; null where there is no such trade."""


def gate_statistics(decisions: pa.Table, trades: pa.Table) -> pa.Table:
    """GATE_STATISTICS_SCHEMA of `decisions` (DECISIONS_SCHEMA) and the outcomes of the same `trades`."""
    index_of = {trade: row for row, trade in enumerate(trades["trade_id"].to_pylist())}
    unknown = set(decisions["trade_id"].to_pylist()) - set(index_of)
    if unknown:
        raise InvalidInput(
            f"{len(unknown)} decisions are about trades that are not in the ledger ({min(unknown)!r}).",
            "Judge the ledger that is given.",
        )
    net_bps = trades["net_bps"].to_numpy(zero_copy_only=False).astype(np.float64)
    net_usd = trades["net_usd"].to_numpy(zero_copy_only=False).astype(np.float64)
    rows = []
    for gate in pc.unique(decisions["gate"]).to_pylist():
        part = decisions.filter(pc.equal(decisions["gate"], gate))
        index = np.array([index_of[trade] for trade in part["trade_id"].to_pylist()], dtype=np.int64)
        texts = part["verdict"].to_pylist()
        verdict = np.array([verdict_in(text) for text in texts], dtype=object)
        resized_usd = net_usd[index] * np.array([size_factor_in(text) for text in texts])
        rows.append({"gate": gate, **_figures(verdict, net_bps[index], net_usd[index], resized_usd)})
    return pa.Table.from_pylist(rows, schema=GATE_STATISTICS_SCHEMA)


def _figures(
    verdict: NDArray[np.object_],
    net_bps: NDArray[np.float64],
    net_usd: NDArray[np.float64],
    resized_usd: NDArray[np.float64],
) -> dict[str, float | int | None]:
    passed, blocked = verdict == PASS.text, verdict == BLOCK.text
    passes, blocks = int(passed.sum()), int(blocked.sum())
    wins = int((net_bps[passed] > 0).sum())
    interval = wilson_interval(wins, passes) or (None, None)
    return {
        "judged": len(verdict),
        "passed": passes,
        "blocked": blocks,
        "abstained": int((verdict == ABSTAIN.text).sum()),
        "block_rate": blocks / (passes + blocks) if passes + blocks else None,
        "passed_mean_net_bps": float(net_bps[passed].mean()) if passes else None,
        "passed_net_usd": float(resized_usd[passed].sum()),
        "passed_win_rate": wins / passes if passes else None,
        "passed_win_rate_low": interval[0],
        "passed_win_rate_high": interval[1],
        "blocked_mean_net_bps": float(net_bps[blocked].mean()) if blocks else None,
        "blocked_net_usd": float(net_usd[blocked].sum()),
        "good_blocks": int((net_bps[blocked] < 0).sum()),
        "bad_blocks": int((net_bps[blocked] > 0).sum()),
        "saved_usd": float((resized_usd - net_usd)[passed].sum() - net_usd[blocked].sum()),
    }
