-- What each member of the ensemble said of a signal, and what it counts for after each night.

CREATE TABLE ensemble_signals (
    day date NOT NULL,
    trade_id text NOT NULL,
    symbol text NOT NULL,
    signal_time timestamptz NOT NULL,
    book text NOT NULL,
    night date NOT NULL,
    member text NOT NULL,
    said double precision,
    probability double precision,
    weight double precision,
    disagreement double precision,
    signal_weight double precision NOT NULL,
    forecaster bigint,
    PRIMARY KEY (day, trade_id, member)
);
CREATE INDEX ensemble_signals_member ON ensemble_signals (member, day);
CREATE INDEX ensemble_signals_trade ON ensemble_signals (trade_id);

CREATE TABLE ensemble_weights (
    day date NOT NULL,
    member text NOT NULL,
    weight double precision NOT NULL,
    signals bigint NOT NULL,
    signals_weight double precision NOT NULL,
    loss double precision NOT NULL,
    ensemble_loss double precision NOT NULL,
    regret double precision NOT NULL,
    bound double precision NOT NULL,
    best_member text NOT NULL,
    forecasters bigint NOT NULL,
    PRIMARY KEY (day, member)
);
CREATE INDEX ensemble_weights_member ON ensemble_weights (member, day);
