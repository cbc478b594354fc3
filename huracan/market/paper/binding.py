"""What binding gates were worth on a day: the book that obeys them beside the policy's own."""

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from huracan.market.ledger import SESSION_SCHEMA
from huracan.market.paper.guarded_columns import BINDING_SCHEMA
from huracan.market.paper.session import Session
from huracan.verdict import Verdict


def binding_worth(gated: Session, trades: pa.Table, bars: pa.Table) -> pa.Table:
    """BINDING_SCHEMA by symbol: of the `gated` session beside `trades` (TRADES_SCHEMA) and `bars`
    (SESSION_SCHEMA) of the same day's policy alone."""
    symbols = sorted({*gated.bars["symbol"].to_pylist(), *bars["symbol"].to_pylist()})
    alone, obeyed = _results_usd(bars), _results_usd(gated.bars)
    counts = [_counts(table) for table in (trades, gated.trades)]
    rows = [
        {
            "symbol": symbol,
            "trades": counts[0].get(symbol, 0),
            "gated_trades": counts[1].get(symbol, 0),
            "result_usd": alone.get(symbol, 0.0),
            "gated_result_usd": obeyed.get(symbol, 0.0),
            "worth_usd": obeyed.get(symbol, 0.0) - alone.get(symbol, 0.0),
        }
        for symbol in symbols
    ]
    return pa.Table.from_pylist(rows, schema=BINDING_SCHEMA)


def judge_books_agree(
    gated: Session, trades: pa.Table, bars: pa.Table, binding: Collection[str], begins_alike: bool
) -> Verdict:
    """Check "books_agree", blocking: without a gate that binds, and from the same accounts, both books hold
    the same trades and accounts, to the bit."""
    numbers = {"trades": trades.num_rows, "gated_trades": gated.trades.num_rows, "binding": len(binding)}
    if binding:
        return Verdict("books_agree", True, f"These gates bind: {', '.join(binding)}.", numbers)
    if not begins_alike:
        why = "No gate binds any more; the accounts still differ by what gates did on days before."
        return Verdict("books_agree", True, why, numbers)
    # As text: what is not a number equals nothing.
    same = all(
        repr(one.select(names).to_pylist()) == repr(other.select(names).to_pylist())
        for one, other, names in (
            (gated.trades, trades, trades.column_names),
            (gated.bars, bars, SESSION_SCHEMA.names),
        )
    )
    told = "No gate binds, and both books are the same." if same else "No gate binds, and the books differ."
    return Verdict("books_agree", same, told, numbers)


def _results_usd(bars: pa.Table) -> dict[str, float]:
    summed = bars.group_by("symbol").aggregate([("result_usd", "sum")])
    return dict(zip(summed["symbol"].to_pylist(), summed["result_usd_sum"].to_pylist(), strict=True))


def _counts(trades: pa.Table) -> dict[str, int]:
    return {each["values"]: each["counts"] for each in pc.value_counts(trades["symbol"]).to_pylist()}
