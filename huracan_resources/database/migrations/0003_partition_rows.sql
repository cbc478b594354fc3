-- Which content of a partition the rows of a table are: a database that was lost or is new is filled again
-- from the lake, and one that holds the rows already is left alone.

CREATE TABLE partition_rows (
    table_name text NOT NULL,
    day date NOT NULL,
    content_hash text NOT NULL,
    PRIMARY KEY (table_name, day)
);
