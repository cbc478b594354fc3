-- What retention deleted: one row per table and day of its rows. It is written before a file is deleted and in
-- the transaction that deletes rows, so that nothing goes uncounted.

CREATE TABLE retention_report (
    deleted_on date NOT NULL,
    kind text NOT NULL CHECK (kind IN ('lake', 'database', 'dagster')),
    table_name text NOT NULL,
    day date NOT NULL,
    rows bigint NOT NULL,
    files bigint NOT NULL,
    bytes bigint NOT NULL,
    kept_from date NOT NULL,
    PRIMARY KEY (deleted_on, kind, table_name, day)
);
COMMENT ON COLUMN retention_report.kept_from IS 'The oldest day that stayed.';
