-- What was published, how many candidates were ever tried, and which incidents are open.

CREATE EXTENSION IF NOT EXISTS vector;

CREATE TABLE brain_registry (
    brain_id text PRIMARY KEY,
    day date NOT NULL,
    universe text[] NOT NULL,
    verdict text NOT NULL,
    reasons jsonb NOT NULL,
    is_live_eligible boolean NOT NULL,
    is_simulated boolean NOT NULL,
    model_id text NOT NULL,
    bundle_url text NOT NULL,
    manifest_sha256 text NOT NULL,
    code_version text NOT NULL,
    configuration_digest text NOT NULL,
    numbers jsonb NOT NULL DEFAULT '{}',
    -- A brain of simulated candles can never be traded with money.
    CHECK (NOT (is_simulated AND is_live_eligible))
);
CREATE INDEX brain_registry_day ON brain_registry (day);

-- Every candidate ever evaluated: the deflated Sharpe ratio must know how many tries there were.
CREATE TABLE trial_ledger (
    candidate_id text NOT NULL,
    kind text NOT NULL,
    day date NOT NULL,
    model_id text NOT NULL,
    sharpe_per_observation double precision,
    observations bigint NOT NULL,
    net_bps double precision,
    configuration_digest text NOT NULL,
    is_simulated boolean NOT NULL,
    PRIMARY KEY (candidate_id, kind)
);
CREATE INDEX trial_ledger_day ON trial_ledger (day);

CREATE TABLE incident (
    incident_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    identity text NOT NULL,
    kind text NOT NULL,
    detail text NOT NULL,
    opened_at timestamptz NOT NULL,
    resolved_at timestamptz,
    is_alerted boolean NOT NULL DEFAULT false
);
-- One open incident per identity: the second alert of the same trouble is refused here.
CREATE UNIQUE INDEX incident_open ON incident (identity) WHERE resolved_at IS NULL;
