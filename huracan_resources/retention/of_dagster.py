"""Deletes old records of Dagster's own, and never what it knows of assets and checks.

Dagster itself deletes a run with all of its events, after which its partitions look as if they had never been
made. So the log of the steps goes by itself, and the record of a run only where it made and judged nothing.
"""

from datetime import UTC, date, datetime, time

from psycopg import sql

from huracan_resources.database.address import DAGSTER_SCHEMA
from huracan_resources.database.database import Database
from huracan_resources.retention.report import Deletion, add

ASSET_EVENTS = (
    *("ASSET_MATERIALIZATION", "ASSET_MATERIALIZATION_PLANNED", "ASSET_OBSERVATION"),
    *("ASSET_FAILED_TO_MATERIALIZE", "ASSET_WIPED", "ASSET_HEALTH_CHANGED"),
    *("FRESHNESS_STATE_EVALUATION", "FRESHNESS_STATE_CHANGE"),
    *("ASSET_CHECK_EVALUATION_PLANNED", "ASSET_CHECK_EVALUATION"),
)
"""By these Dagster shows which partitions there are and how they were judged."""

RUN_EVENTS = ("PIPELINE_START", "PIPELINE_SUCCESS", "PIPELINE_FAILURE", "PIPELINE_CANCELED")
"""When a run began, how it ended and why: two lines of each run, and they stay with its record."""

ENDED = ("SUCCESS", "FAILURE", "CANCELED")
"""A run under way is never touched."""

_OLD = (
    "old AS (SELECT run_id,"
    " coalesce(to_timestamp(end_time) AT TIME ZONE 'UTC', update_timestamp)::date AS day FROM {runs}"
    " WHERE status = ANY(%(ended)s)"
    " AND coalesce(end_time, extract(epoch FROM update_timestamp AT TIME ZONE 'UTC')) < %(before)s)"
)
_STEPS = f"""
WITH {_OLD}, chosen AS (
    SELECT e.id, old.day, pg_column_size(e.*) AS bytes FROM {{events}} AS e JOIN old USING (run_id)
    WHERE e.asset_key IS NULL AND (e.dagster_event_type IS NULL OR e.dagster_event_type <> ALL(%(kept)s))
)"""
_DELETE_STEPS = """, gone AS (
    DELETE FROM {events} AS e USING chosen WHERE e.id = chosen.id RETURNING chosen.day, chosen.bytes
)"""
_RUNS = f"""
WITH {_OLD}, chosen AS (
    SELECT r.id, r.run_id, old.day, pg_column_size(r.*) AS bytes FROM {{runs}} AS r JOIN old USING (run_id)
    WHERE NOT EXISTS (SELECT FROM {{checks}} AS c WHERE c.run_id = r.run_id)
        AND NOT EXISTS (
            SELECT FROM {{events}} AS e WHERE e.run_id = r.run_id
                AND (e.asset_key IS NOT NULL OR e.dagster_event_type = ANY(%(assets)s))
        )
)"""
_DELETE_RUNS = """, logged AS (
    DELETE FROM {events} AS e USING chosen WHERE e.run_id = chosen.run_id
), gone AS (
    DELETE FROM {runs} AS r USING chosen WHERE r.id = chosen.id RETURNING chosen.day, chosen.bytes
)"""
_ONLY_LOOK = ", gone AS (SELECT day, bytes FROM chosen)"
_COUNTED = " SELECT day, count(*), sum(bytes) FROM gone GROUP BY day ORDER BY day"


def age_out_events(database: Database, kept_from: date, on: date, dry: bool) -> list[Deletion]:
    """Delete what runs that ended before `kept_from` logged of their steps, in one transaction."""
    return _age_out(
        database, "event_logs", _STEPS + (_ONLY_LOOK if dry else _DELETE_STEPS), kept_from, on, dry
    )


def age_out_runs(database: Database, kept_from: date, on: date, dry: bool) -> list[Deletion]:
    """Delete the records, and what is left of their log, of runs that ended before `kept_from` and made and
    judged no asset. Counted are the records."""
    return _age_out(database, "runs", _RUNS + (_ONLY_LOOK if dry else _DELETE_RUNS), kept_from, on, dry)


def _age_out(
    database: Database, table: str, statement: str, kept_from: date, on: date, dry: bool
) -> list[Deletion]:
    names = {"events": "event_logs", "runs": "runs", "checks": "asset_check_executions"}
    tables = {name: sql.Identifier(DAGSTER_SCHEMA, each) for name, each in names.items()}
    parameters = {
        "ended": list(ENDED),
        "before": datetime.combine(kept_from, time(), UTC).timestamp(),
        "kept": [*ASSET_EVENTS, *RUN_EVENTS],
        "assets": list(ASSET_EVENTS),
    }
    with database.connect() as connection:
        held = connection.execute("SELECT to_regclass(%s)", (f"{DAGSTER_SCHEMA}.event_logs",)).fetchone()
        if held == (None,):
            return []  # Dagster keeps its records elsewhere, or has none yet.
        rows = connection.execute(sql.SQL(statement + _COUNTED).format(**tables), parameters).fetchall()
        found = [Deletion("dagster", table, day, count, 0, int(size), kept_from) for day, count, size in rows]
        if not dry:
            add(connection, found, on)
    return found
