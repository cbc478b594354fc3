"""Whether every signal was judged by every gate."""

from collections.abc import Collection

import pyarrow as pa

from huracan.gates.contract import ABSTAIN, BLOCK, COMBINED, PASS, verdict_in
from huracan.verdict import Verdict


def judge_gate_coverage(
    decisions: pa.Table,
    trades: pa.Table,
    gates: Collection[str],
    untraded: pa.Table | None = None,
) -> Verdict:
    """Check `gate_coverage`: every signal of `trades`, and every one of `untraded` (UNTRADED_SCHEMA), has
    just one answer of every gate in `gates`, and one combined."""
    names, others = [*gates, COMBINED], [] if untraded is None else _places(untraded)
    signals = [*trades["trade_id"].to_pylist(), *(_named(*each) for each in others)]
    wanted = {(signal, name) for signal in signals for name in names}
    identities = zip(decisions["trade_id"].to_pylist(), _places(decisions), strict=True)
    asked = [trade or _named(*place) for trade, place in identities]
    given = list(zip(asked, decisions["gate"].to_pylist(), strict=True))
    missing, extra = wanted - set(given), set(given) - wanted
    repeated = len(given) - len(set(given))
    known = {PASS.text, BLOCK.text, ABSTAIN.text}
    invalid = sum(verdict_in(text) not in known for text in decisions["verdict"].to_pylist())
    passed = not missing and not extra and repeated == 0 and invalid == 0
    reason = f"Each of {len(signals)} signals was judged once by each of {len(names) - 1} gates."
    if not passed:
        example = min(missing or extra or {("", "")})
        reason = (
            f"Gate answers missing: {len(missing)}, unasked: {len(extra)}, repeated: {repeated},"
            f" invalid: {invalid} (for instance signal {example[0]!r}, gate {example[1]!r})."
            " Judge the day again."
        )
    numbers = {
        "trades": trades.num_rows,
        "untraded": len(others),
        "gates": len(names) - 1,
        "missing": len(missing),
    }
    return Verdict("gate_coverage", passed, reason, {**numbers, "extra": len(extra), "repeated": repeated})


def _places(signals: pa.Table) -> list[tuple[str, object]]:
    return list(zip(signals["symbol"].to_pylist(), signals["signal_time"].to_pylist(), strict=True))


def _named(symbol: str, moment: object) -> str:
    """The identity of a signal without a trade."""
    return f"{symbol} at {moment}"
