-- What other rules of entering and of leaving would have brought, by the exploration book of the trailing days.

CREATE TABLE entry_alternatives (
    day date NOT NULL,
    scope text NOT NULL,
    value text NOT NULL,
    estimator text NOT NULL CHECK (estimator IN ('weighted', 'doubly_robust')),
    mean_net_bps double precision,
    standard_error_bps double precision,
    low_bps double precision,
    high_bps double precision,
    entries bigint NOT NULL,
    effective_entries double precision NOT NULL,
    moments bigint,
    note text NOT NULL,
    PRIMARY KEY (day, scope, value, estimator)
);
CREATE INDEX entry_alternatives_rule ON entry_alternatives (scope, value, day);

CREATE TABLE exit_alternatives (
    day date NOT NULL,
    scope text NOT NULL CHECK (scope IN ('as_is', 'stop', 'target', 'holding')),
    value text NOT NULL,
    mean_net_bps double precision NOT NULL,
    low_bps double precision,
    high_bps double precision,
    gain_bps double precision NOT NULL,
    gain_low_bps double precision,
    gain_high_bps double precision,
    entries bigint NOT NULL,
    effective_entries double precision NOT NULL,
    PRIMARY KEY (day, scope, value)
);
