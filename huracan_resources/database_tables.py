"""Tables that only the database holds: no partition of the lake fills them. Their columns are made by the
migrations, what they mean stands here.

It imports no driver, so that the settings may ask how long each is kept.
"""

from collections.abc import Mapping

from huracan.candles.schema import TIME
from huracan.promotion.verdict import EVALUATION_COLUMNS
from huracan.tables import DATE, FLAG, FLOAT, INTEGER, TEXT, TEXTS, Always, Column, Table, chosen

_CONFIGURATION = Column("configuration_digest", TEXT, "digest of all settings of that night")

_BRAIN_REGISTRY = (
    Column("brain_id", TEXT, "identity of the published brain"),
    Column("day", DATE, "night that published it; one brain each", "UTC day"),
    Column("universe", TEXTS, "symbols that it was trained on"),
    *chosen(EVALUATION_COLUMNS, "verdict", "reasons", "is_live_eligible", "is_simulated"),
    Column("model_id", TEXT, "its checkpoint: the first 16 digits of its SHA-256"),
    Column("bundle_url", TEXT, "where the bundle lies"),
    Column("manifest_sha256", TEXT, "of the bundle's manifest.json"),
    Column("code_version", TEXT, "of the code that trained the checkpoint"),
    Column("configuration_digest", TEXT, f"{_CONFIGURATION.meaning}; empty where the row was lost since"),
    *chosen(EVALUATION_COLUMNS, "numbers"),
)
_TRIALS = (
    Column("sequence", INTEGER, "place of the row, from 1"),
    Column("kind", TEXT, "procedure, night, day, champion_day or decision"),
    Column("key", TEXT, "of what the row tells, once within its kind"),
    Column("content", TEXT, "what it tells; the hash is over every byte", "JSON"),
    Column("previous", TEXT, "sha256 of the row before; empty for the first"),
    Column("sha256", TEXT, "over sequence, kind, key, content and previous"),
    Column("home", TEXT, "identity of the lake that holds the same rows"),
)
_BRAIN_DECISIONS = (
    Column("sequence", INTEGER, "of the row in trials"),
    Column("moment", TIME, "when it was written", "UTC"),
    Column("day", DATE, "night that decided; of a person the day", "UTC day"),
    Column("act", TEXT, "promote, in_force, challenge, decay, demote or rollback"),
    Column("procedure", TEXT, "whose brain is in force from then on, or who challenges; null: nobody's"),
    Column("brain_id", TEXT, "the brain in force from then on; null where there is none"),
    Column("bundle", TEXT, "where it lies below the store of brains"),
    Column("brain_day", DATE, "night of that brain", "UTC day"),
    Column("ended", TEXT, "procedure that was taken out of force; null where none was"),
    Column("reason", TEXT, "why, in a sentence with its numbers"),
    Column("by", TEXT, "the night, or user@host of a person: a note, no proof"),
)
_TRIAL_LEDGER = (
    Column("candidate_id", TEXT, "day and model of a candidate, as earlier versions counted them"),
    Column("kind", TEXT, "night: the candidate of a night"),
    Column("day", DATE, "night of the candidate", "UTC day"),
    Column("model_id", TEXT, "its checkpoint"),
    Column("sharpe_per_observation", FLOAT, "of its hourly returns on the held-out tail, not annualised"),
    Column("observations", INTEGER, "those returns"),
    Column("net_bps", FLOAT, "mean net of a held-out trade", "bps"),
    _CONFIGURATION,
    Column("is_simulated", FLAG, "trained on simulated candles"),
)
_INCIDENT = (
    Column("incident_id", INTEGER, "number of the incident"),
    Column("identity", TEXT, "the same for the same trouble; open at most once"),
    Column("kind", TEXT, "run failed, check failed or partition late"),
    Column("detail", TEXT, "what a person is told"),
    Column("opened_at", TIME, "when it was seen first", "UTC"),
    Column("resolved_at", TIME, "when it was over; null while open", "UTC"),
    Column("is_alerted", FLAG, "the alert was delivered to every address"),
    Column("told", TEXTS, "marks of the addresses that it was delivered to while another one failed"),
)
_RETENTION_REPORT = (
    Column("deleted_on", DATE, "day of the deletion", "UTC day"),
    Column("kind", TEXT, "lake, database or dagster"),
    Column("table_name", TEXT, "table that was deleted from"),
    Column("day", DATE, "day of the rows", "UTC day"),
    Column("rows", INTEGER, "rows deleted"),
    Column("files", INTEGER, "files deleted; 0 but of the lake"),
    Column("bytes", INTEGER, "size of what was deleted"),
    Column("kept_from", DATE, "the oldest day that stayed", "UTC day"),
)
_PARTITION_ROWS = (
    Column("table_name", TEXT, "table of the database"),
    Column("day", DATE, "day of its rows", "UTC day"),
    Column("content_hash", TEXT, "of the lake's partition that the rows were loaded from"),
)
_SCHEMA_MIGRATION = (
    Column("name", TEXT, "file of the migration"),
    Column("sha256", TEXT, "of its text, as it was applied"),
)

DATABASE_TABLES: Mapping[str, Table] = {
    "brain_decisions": Table(_BRAIN_DECISIONS, keep=Always(), in_database=True),
    "brain_registry": Table(_BRAIN_REGISTRY, keep=Always(), in_database=True),
    "incident": Table(_INCIDENT, in_database=True),
    "partition_rows": Table(_PARTITION_ROWS, in_database=True),
    "retention_report": Table(_RETENTION_REPORT, in_database=True),
    "schema_migration": Table(_SCHEMA_MIGRATION, in_database=True),
    "trial_ledger": Table(
        _TRIAL_LEDGER,
        keep=Always("it tells what earlier versions tried"),
        in_database=True,
    ),
    "trials": Table(_TRIALS, keep=Always("a verdict counts every procedure and day"), in_database=True),
}
"""Name to table. Nothing is ever deleted from them; of the `Always` ones no setting may say otherwise."""
