-- Procedures, their days and what came into force: append-only, every row chained to the one before by its hash.

CREATE TABLE trials (
    sequence bigint PRIMARY KEY,
    kind text NOT NULL,
    key text NOT NULL,
    -- Text and not jsonb: the hash is over every byte of it.
    content text NOT NULL,
    previous text NOT NULL,
    sha256 text NOT NULL UNIQUE,
    home text NOT NULL,
    UNIQUE (kind, key)
);

CREATE VIEW brain_decisions AS
SELECT
    sequence,
    (content::jsonb ->> 'moment')::timestamptz AS moment,
    (content::jsonb ->> 'day')::date AS day,
    content::jsonb ->> 'act' AS act,
    content::jsonb ->> 'procedure' AS procedure,
    content::jsonb ->> 'brain_id' AS brain_id,
    content::jsonb ->> 'bundle' AS bundle,
    (content::jsonb ->> 'brain_day')::date AS brain_day,
    content::jsonb ->> 'ended' AS ended,
    content::jsonb ->> 'reason' AS reason,
    content::jsonb ->> 'by' AS by
FROM trials WHERE kind = 'decision';
