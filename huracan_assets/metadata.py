"""What the UI tells of a partition, in words and in the order in which a person asks.

First how it went: the verdict, what the picture comes to, the picture, the checks. Then tables and numbers.
What only machines compare (ids, digests, hashes of inputs) comes last. Dagster shows entries in the order in
which they are given. What an asset has to tell, its body says.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from huracan.tables import Table
from huracan.verdict import Verdict
from huracan_assets.running import Made
from huracan_assets.shown import Markdown, Picture, Rows, in_words, is_of_identity, lines
from huracan_assets.stage import Outcome, Stage, StageContext

_PICTURE, _TABLE, _VALUE, _ORIGIN, _PLACE, _IDENTITY = (
    *("a picture", "a table", "a value", "where it comes from", "where it lies", "an identity"),
)
_ORDER = (
    *("note", "verdict", "in short", _PICTURE, "reasons", "checks", _TABLE, _VALUE, _ORIGIN, _PLACE),
    *(_IDENTITY, "inputs"),
)
"""Entries by their name, or by their kind."""
_OF_ORIGIN = ("simulated", "remade", "reused")


def partition_metadata(
    stage: Stage, made: Made, context: StageContext, instance: dg.DagsterInstance
) -> dict[str, Any]:
    """All entries of a materialization. Of a partition that stands already, what was shown when it was made:
    a plot stays in sight when work is reused."""
    manifest = made.manifest
    facts: dict[str, Any] = {
        **({"note": manifest.note} if manifest.note else {}),
        **({"checks": _checks(manifest.verdicts)} if manifest.verdicts else {}),
        "is_simulated": manifest.is_simulated,
        "remade": manifest.remade,
        "inputs": dg.MetadataValue.json(dict(manifest.inputs)),
    }
    if made.outcome is None:
        told = {**_shown_before(context, instance), "reused": True}
    else:
        told = {**_table_entries(stage, made.outcome, context), **_entries(made.outcome.metadata)}
    if "reasons" in told:
        facts.pop("checks", None)  # They are what its check says.
    return in_order({**told, **facts})


def in_order(entries: Mapping[str, Any]) -> dict[str, Any]:
    """The entries with their names in words, what a person asks first at the top."""
    named = {name if "/" in name else in_words(name): value for name, value in entries.items()}
    ranked = sorted(named, key=lambda name: _ORDER.index(_kind(name, named[name])))
    return {name: named[name] for name in ranked}


def column_schema(table: Table) -> dg.TableSchema:
    """Names, types and meanings of the columns, as the catalogue shows them."""
    columns = table.columns
    return dg.TableSchema([dg.TableColumn(each.name, str(each.type), each.text) for each in columns])


def _kind(name: str, value: Any) -> str:
    """The entry's place in the order; of a kind, those come first that were told first."""
    if name in _ORDER:
        return name
    if name.startswith("dagster/"):
        return _PLACE
    if is_of_identity(name):
        return _IDENTITY
    if name in _OF_ORIGIN:
        return _ORIGIN
    if isinstance(value, dg.MarkdownMetadataValue) and str(value.value).startswith("!["):
        return _PICTURE
    return _TABLE if isinstance(value, dg.TableMetadataValue) else _VALUE


def _entries(told: Mapping[str, Any]) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for name, value in told.items():
        if isinstance(value, Picture):
            entries = {"in short": value.told, **entries, value.title: dg.MetadataValue.md(value.text)}
        elif isinstance(value, Markdown):
            entries[name] = dg.MetadataValue.md(value.text)
        elif isinstance(value, Rows):
            entries[name] = dg.MetadataValue.table([dg.TableRecord(record) for record in value.records])
        else:
            entries[name] = value
    return entries


def _checks(verdicts: tuple[Verdict, ...]) -> dg.MetadataValue[Any]:
    told = []
    for verdict in verdicts:
        failed = "failed" if verdict.blocking else "warns"
        told.append(f"{'passed' if verdict.passed else failed}: {verdict.reason}")
    return dg.MetadataValue.md(lines(told).text)


def _shown_before(context: StageContext, instance: dg.DagsterInstance) -> Mapping[str, Any]:
    made = dg.AssetRecordsFilter(dg.AssetKey(context.asset), asset_partitions=[context.day.isoformat()])
    records = instance.fetch_materializations(made, limit=1).records
    shown = records[0].asset_materialization if records else None
    # Its note is that of the manifest, as everything is that the manifest tells.
    return {name: value for name, value in shown.metadata.items() if name != "note"} if shown else {}


def _table_entries(stage: Stage, outcome: Outcome, context: StageContext) -> dict[str, Any]:
    uri = f"{context.resources.lake.store.url}/{context.asset}/day={context.day.isoformat()}"
    described: dict[str, Any] = {"dagster/uri": uri}
    data = outcome.tables.get("data")
    if data is None:
        return described
    return described | {
        "dagster/partition_row_count": data.num_rows,
        "dagster/row_count": data.num_rows,
        "dagster/column_schema": column_schema(stage.tables["data"]),
    }
