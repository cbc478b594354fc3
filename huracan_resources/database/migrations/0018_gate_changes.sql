-- What gates ask for, changed: each change with its cause and reason, and by how much what passes surely loses.

CREATE TABLE gate_changes (
    day date NOT NULL,
    gate text NOT NULL,
    setting text NOT NULL,
    old_value text,
    new_value text,
    cause text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (day, setting)
);
CREATE INDEX gate_changes_gate ON gate_changes (gate, day);

ALTER TABLE gate_stats_proposals ADD COLUMN break_even_excess double precision;
