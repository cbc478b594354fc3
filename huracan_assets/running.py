"""Runs a stage for a day: once, whole, and not again while nothing that it depends on has changed.

It resolves the declared reads through the lake (which refuses a missing day and one that a gate judged bad),
skips the body when neither its inputs nor its code nor its configuration changed, writes what the body made
with its manifest, and replaces the rows in the database. It knows no Dagster.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pyarrow import DataType

from huracan.errors import InputRefused, InvalidInput
from huracan_assets.database_rows import load_lost_days, load_rows
from huracan_assets.finished import is_finished
from huracan_assets.stage import Outcome, Stage, StageContext
from huracan_resources.home_source import refuse_another_source, remember_source
from huracan_resources.lake.lake import content_hash_of
from huracan_resources.lake.manifest import Manifest, Origin
from huracan_resources.lake.parquet import encode_table


@dataclass(frozen=True)
class Made:
    """The partition as it now stands; `outcome` is None where it stood already."""

    manifest: Manifest
    outcome: Outcome | None


def run_stage(stage: Stage, context: StageContext) -> Made:
    """Make the partition of the context's day, or find it made."""
    lake = context.resources.lake
    context.progress(0.0)
    record = stage.record(lake, context.day)
    if record is not None and not context.remakes_records and not _is_made_of_now(stage, context, record):
        return _kept(stage, context, record)
    inputs = stage.inputs(lake, context.day, context.settings)
    current = stage.current(lake, context.day, context.settings, inputs)
    if current is not None and not (stage.reads_outside and context.asks_outside):
        return _as_it_stands(stage, context, current, "unchanged")
    if current is None:
        context.progress(0.0, why=stage.changes(lake, context.day, context.settings, inputs))
    for asset in stage.searches:
        load_lost_days(asset, {asset: "data"}, context.day, context.resources)
    outcome = stage.body(inputs, context)
    _refuse_unjudged(stage, outcome)
    _refuse_undeclared(stage, outcome)
    files = {f"{name}.parquet": encode_table(table) for name, table in outcome.tables.items()}
    files |= outcome.files
    made = content_hash_of(files)
    # Asked again: what it reads outside may have changed, and a later day may have been traded meanwhile.
    record = None if context.remakes_records else stage.record(lake, context.day)
    if record is not None and record.content_hash != made:
        return _kept(stage, context, record)
    before = lake.manifest(context.asset, context.day)
    if stage.reads_outside:
        _keep_good(before, outcome, outcome.source or inputs.source)
    if brings_candles := _brings_candles(outcome, context):
        refuse_another_source(context.resources)
    if outcome.publish is not None:
        outcome = replace(outcome, metadata={**outcome.metadata, **outcome.publish()})
    origin = Origin(
        inputs=inputs.hashes(),
        code_version=stage.code_version,
        configuration_digest=context.configuration_digest,
        source=outcome.source or inputs.source,
        is_simulated=inputs.is_simulated if outcome.is_simulated is None else outcome.is_simulated,
        remade=_is_remade(stage, context, before, made),
    )
    manifest = lake.write(
        context.asset,
        context.day,
        files,
        origin=origin,
        verdicts=outcome.verdicts,
        note=outcome.note,
    )
    if brings_candles and not manifest.failed_verdicts:
        remember_source(context.resources)
    load_rows(manifest, stage.database, context.resources)
    context.progress(1.0, outcome.note)
    return Made(manifest, outcome)


def _kept(stage: Stage, context: StageContext, record: Manifest) -> Made:
    """The record as it was made; `InputRefused` where it is damaged, for it can only be made otherwise."""
    if not context.resources.lake.is_whole(record):
        raise InputRefused(
            f"{record.key}, of a finished night, is damaged and cannot be made again as it was:"
            " code, settings, inputs or what it reads outside have changed since.",
            f"Restore its files, or run huracan backfill --from {record.day} --to {record.day} --jobs all"
            " --remake.",
        )
    return _as_it_stands(stage, context, record, "kept as it was made")


def _is_remade(stage: Stage, context: StageContext, before: Manifest | None, made: str) -> bool:
    """Whether a partition of the content hash `made`, in the place of `before`, comes after its night was
    finished. That night may have had an empty one or a bad one; a mark is for good."""
    if before is not None and before.remade:
        return True
    if not stage.is_record or not is_finished(context.resources.lake, context.day):
        return False
    return context.remakes_records if before is None else before.content_hash != made


def _as_it_stands(stage: Stage, context: StageContext, manifest: Manifest, why: str) -> Made:
    load_rows(manifest, stage.database, context.resources)
    if stage.bring_back is not None:
        stage.bring_back(manifest, context)
    context.progress(1.0, why)
    return Made(manifest, None)


def _is_made_of_now(stage: Stage, context: StageContext, record: Manifest) -> bool:
    """Whether making the record again would give what is there: then nothing is lost by it."""
    if not stage.is_of_now(record, context.settings):
        return False
    try:
        inputs = stage.inputs(context.resources.lake, context.day, context.settings)
    except InputRefused:
        return False
    return inputs.hashes() == record.inputs


def _refuse_unjudged(stage: Stage, outcome: Outcome) -> None:
    """A declared check without a verdict would read as passed; only an empty partition may lack one."""
    judged = {verdict.check: verdict.blocking for verdict in outcome.verdicts}
    declared = {check.name: check.blocking for check in stage.checks}
    if (judged.keys() - declared) or (declared.keys() - judged.keys() and not outcome.note):
        raise InvalidInput(
            f"{stage.name} declares the checks {sorted(declared)} and was judged by {sorted(judged)}.",
            "Judge by every declared check.",
        )
    if any(blocking != declared[check] for check, blocking in judged.items()):
        raise InvalidInput(f"{stage.name} blocks by other checks than it declares.", "Make them agree.")


def _refuse_undeclared(stage: Stage, outcome: Outcome) -> None:
    """A table that is not declared would have no name in SQL, no age and no meaning; a column no meaning."""
    undeclared = sorted(outcome.tables.keys() - stage.tables.keys())
    if undeclared:
        raise InvalidInput(
            f"{stage.name} made the tables {undeclared} and declares {sorted(stage.tables)}.",
            "Declare every table in the stage's `tables`.",
        )
    for key, table in outcome.tables.items():
        made = [(field.name, field.type) for field in table.schema]
        declared = [(column.name, column.type) for column in stage.tables[key].columns]
        if stage.tables[key].by_settings:
            declared = [column for column in declared if column[0] in table.column_names]
        if made != declared:
            raise InvalidInput(
                f"{stage.name} made the table {key} otherwise than declared: {_difference(made, declared)}.",
                "Make just the columns that its declaration has, in their order and of their types.",
            )


def _difference(made: Sequence[tuple[str, DataType]], declared: Sequence[tuple[str, DataType]]) -> str:
    has, wants = dict(made), dict(declared)
    parts = {
        "it lacks": [name for name in wants if name not in has],
        "it adds": [name for name in has if name not in wants],
        "of another type are": [
            f"{name} ({has[name]}, not {kind})" for name, kind in wants.items() if has.get(name, kind) != kind
        ],
    }
    told = [f"{what} {', '.join(names)}" for what, names in parts.items() if names]
    return "; ".join(told) or f"its columns are {', '.join(name for name, _ in made)}"


def _brings_candles(outcome: Outcome, context: StageContext) -> bool:
    """Whether it holds what the candle source of the settings has given, and not what was made of such."""
    return bool(outcome.source) and outcome.source == context.resources.candle_source.identity.label


def _keep_good(kept: Manifest | None, outcome: Outcome, source: str) -> None:
    """What was fetched again must not destroy what is there: not by another source, not by worse candles."""
    if kept is None or kept.failed_verdicts:
        return
    if kept.source and source and kept.source != source:
        raise InputRefused(
            f"{kept.key} comes from {kept.source!r}, and this run brings {source!r}.",
            "Give each source a HURACAN_HOME of its own, or remove that partition first.",
        )
    failed = [verdict for verdict in outcome.verdicts if verdict.blocking and not verdict.passed]
    if failed:
        raise InputRefused(
            f"{kept.key} was fetched again and judged bad by {failed[0].check}: {failed[0].reason}",
            "The good partition of before is kept; remove it first if it is wrong.",
        )
