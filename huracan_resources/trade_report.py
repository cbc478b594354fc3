"""Everything that is known of one trade, gathered from the lake and the memory as plain values.

Nothing is computed here but what is looked up; how it is shown is the console's affair.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from huracan.durations import minute_of_day
from huracan.errors import HuracanError, InvalidInput
from huracan.features.naming import Unnamed, named_values
from huracan.market.handover import as_date, brain_days
from huracan.market.ledger import POLICY
from huracan.models.canonical import read_json_object
from huracan_resources.catalogue import BOOKS
from huracan_resources.database.memory import trades_like
from huracan_resources.database.memory_filter import MemoryFilter
from huracan_resources.identities import beginnings
from huracan_resources.lake.entry_features import TRACE_FILE, entry_feature_names
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.manifest import Manifest
from huracan_resources.lake.views import LakeViews
from huracan_resources.workspace import HomeWorkspace

NEIGHBOURS = 10
BEFORE, AFTER = timedelta(hours=1), timedelta(hours=2)
"""What is shown of the candles around a trade."""

_MOST_CANDIDATES = 10
"""Trades that are named where a beginning is that of several."""

_PARTS = {
    "fills": ("shadow_trades_fills", "ORDER BY time"),
    "win": ("win_analysis", ""),
    "loss": ("loss_analysis", ""),
    "gates": ("gate_decisions", "ORDER BY gate"),
    "post_exit": ("post_exit_tracking", ""),
}
"""Section of the report -> its view and order; every row is the trade's own."""
_DECISION = {
    "probability": "action_probabilities",
    "logit": "policy_logits",
    "bias": "action_bias",
    "is_legal": "action_mask",
}
"""What is told of each action -> the column that holds it."""
_ONE_ROW = {"win", "loss", "post_exit"}


def report_trade(workspace: HomeWorkspace, trade_id: str) -> dict[str, Any]:
    """The trade of any book whose identity begins with `trade_id`, in sections; what is not there is None.

    `book`, `trade` (every column of its ledger), `decision` (probabilities, logits, bias, mask by action, the
    bias's terms by name), `features` by the names of the partition that wrote them (by their numbers where
    nobody knows those any more: `unnamed_features` says why), `fills`, `win` or `loss`, `gates`,
    `post_exit`, `patterns` (the nearest, as the library in force knew them), `neighbours` (the most
    similar trades closed before the signal, by the memory's index) and `candles` around it. InvalidInput
    where no trade or several begin so.
    """
    lake = workspace.resources.lake
    with LakeViews(lake) as views:
        book, day, identity = find_trade(views, trade_id)
        asset = BOOKS[book]
        views.narrow(day - timedelta(days=1), day + timedelta(days=1))
        (trade,) = views.records(f'SELECT * FROM "{asset}" WHERE trade_id = ?', [identity])
        night = _night_of(workspace, trade["signal_time"])
        if night < day - timedelta(days=1):
            views.narrow(night, day + timedelta(days=1))
        manifest = lake.require(asset, day)
        report: dict[str, Any] = {"book": book, "trade": trade, "decision": _decision(lake, trade, manifest)}
        report |= _features(lake, trade, manifest)
        for section, (view, order) in _PARTS.items():
            report[section] = _rows_of(views, view, order, identity, is_one=section in _ONE_ROW)
        report["patterns"] = _patterns(views, trade, night)
        report["neighbours"] = _neighbours(workspace, views, identity, trade["signal_time"])
        report["candles"] = _candles(views, trade)
    return report


def find_trade(views: LakeViews, trade_id: str) -> tuple[str, date, str]:
    """Book, day and identity of the one trade whose identity begins so; InvalidInput for none or several."""
    named = "day, trade_id, symbol, entry_time"
    parts = [
        f"SELECT '{book}' AS book, {named} FROM \"{asset}\" WHERE starts_with(trade_id, ?)"
        for book, asset in BOOKS.items()
        if asset in views.tables or book == POLICY
    ]
    found = views.records(
        f"{' UNION ALL '.join(parts)} ORDER BY entry_time DESC, trade_id", [trade_id] * len(parts)
    )
    if not found:
        raise InvalidInput(f"No trade's identity begins with {trade_id!r}.", "Look it up: huracan trades.")
    exact = [row for row in found if row["trade_id"] == trade_id]
    if len(found) > 1 and not exact:
        short = beginnings(row["trade_id"] for row in found)
        some = ", ".join(
            f"{short[row['trade_id']]} ({row['symbol']}, {row['entry_time']:%Y-%m-%d %H:%M})"
            for row in found[:_MOST_CANDIDATES]
        )
        more = f" and {len(found) - _MOST_CANDIDATES} more" if len(found) > _MOST_CANDIDATES else ""
        raise InvalidInput(f"{len(found)} trades begin with {trade_id!r}: {some}{more}.", "Give more of it.")
    (row,) = exact or found
    return row["book"], row["day"], row["trade_id"]


def _features(lake: Lake, trade: dict[str, Any], ledger: Manifest) -> dict[str, Any]:
    """The sections `features` and `unnamed_features`."""
    values = trade["entry_features"]
    if not values:
        return {"features": None, "unnamed_features": None}
    names = entry_feature_names(lake, ledger)
    if isinstance(names, Unnamed):
        numbers = [f"feature {number}" for number in range(1, len(values) + 1)]
        return {"features": dict(zip(numbers, values, strict=True)), "unnamed_features": names.why}
    named = named_values(names, values, f"Trade {trade['trade_id']}")
    return {"features": named, "unnamed_features": None}


def _rows_of(views: LakeViews, view: str, order: str, identity: str, *, is_one: bool) -> Any:
    if view not in views.tables:
        return None
    rows = views.records(f'SELECT * FROM "{view}" WHERE trade_id = ? {order}', [identity])
    return (rows[0] if rows else None) if is_one else rows


def _decision(lake: Lake, trade: dict[str, Any], ledger: Manifest) -> dict[str, Any]:
    """The trace of the signal, by the names of the day's action list and bias terms."""
    names = read_json_object(lake.read_file(ledger.asset, ledger.day, TRACE_FILE), TRACE_FILE)
    row, terms = f"Trade {trade['trade_id']}", trade["bias_terms"]
    told = {
        label: named_values(names["actions"], trade[column], row)
        for label, column in _DECISION.items()
        if trade[column] is not None
    }
    return {
        "action": trade["action"],
        "value_estimate": trade["value_estimate"],
        "actions": {
            action: {label: values[action] for label, values in told.items()} for action in names["actions"]
        },
        "bias_terms": named_values(names["bias_terms"], terms, row) if terms else {},
    }


def _night_of(workspace: HomeWorkspace, signal_time: datetime) -> date:
    """The night whose brain and patterns were in force at the signal."""
    moment = np.array([round(signal_time.timestamp() * 1000)])
    handover = minute_of_day(workspace.resources.settings.market.handover)
    return as_date(int(brain_days(moment, handover)[0]))


def _patterns(views: LakeViews, trade: dict[str, Any], night: date) -> list[dict[str, Any]] | None:
    nearest: Sequence[str] | None = trade.get("nearest_patterns")
    if nearest is None or "pattern_library" not in views.tables:
        return None
    library = {
        row["pattern_id"]: row
        for row in views.records(
            "SELECT * EXCLUDE (centroid, feature_means) FROM pattern_library WHERE day = ?", [night]
        )
    }
    cosines = trade["nearest_pattern_cosines"]
    return [
        {"pattern_id": identity, "cosine": cosine, **library.get(identity, {})}
        for identity, cosine in zip(nearest, cosines, strict=True)
    ]


def _neighbours(
    workspace: HomeWorkspace, views: LakeViews, identity: str, as_of: datetime
) -> list[dict[str, Any]] | dict[str, str] | None:
    """From the database; where that cannot be asked, why not, so that the rest is shown all the same."""
    if "trade_memory" not in views.tables:
        return None
    remembered = views.records(
        "SELECT embedding, embedding_version, side FROM trade_memory WHERE trade_id = ?", [identity]
    )
    if not remembered:
        return None
    (own,) = remembered
    try:
        with workspace.resources.database.connect() as connection:
            return trades_like(
                connection,
                np.array(own["embedding"], np.float32),
                MemoryFilter(own["embedding_version"], side=own["side"]),
                as_of=as_of,
                k=NEIGHBOURS,
            )
    except HuracanError as error:
        return {"error": error.what, "remedy": error.remedy}


def _candles(views: LakeViews, trade: dict[str, Any]) -> list[dict[str, Any]] | None:
    if "ohlcv" not in views.tables:
        return None
    return views.records(
        "SELECT open_time, open, high, low, close, volume, status FROM ohlcv"
        " WHERE symbol = ? AND open_time BETWEEN ? AND ? ORDER BY open_time",
        [trade["symbol"], trade["entry_time"] - BEFORE, trade["exit_time"] + AFTER],
    )
