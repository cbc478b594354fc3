-- Patterns judged by trades after the night that named them. Rows of before have none of it: null.

ALTER TABLE pattern_library
    ADD COLUMN mean_net_low_bps double precision,
    ADD COLUMN mean_net_high_bps double precision,
    ADD COLUMN side text CHECK (side IN ('long', 'short')),
    ADD COLUMN number bigint,
    ADD COLUMN forward_nights bigint,
    ADD COLUMN forward_trades bigint,
    ADD COLUMN forward_wins bigint,
    ADD COLUMN forward_win_rate_low double precision,
    ADD COLUMN forward_win_rate_high double precision,
    ADD COLUMN forward_mean_net_bps double precision,
    ADD COLUMN forward_net_low_bps double precision,
    ADD COLUMN forward_net_high_bps double precision,
    ADD COLUMN forward_net_sum_bps double precision,
    ADD COLUMN forward_net_square_sum double precision,
    ADD COLUMN evidence double precision,
    ADD COLUMN evidence_needed double precision,
    ADD COLUMN wealth double precision[],
    ADD COLUMN first_reliable_day date,
    ADD COLUMN times_degraded bigint,
    ADD COLUMN drift_evidence double precision,
    ADD COLUMN drift_wealth double precision[],
    ADD COLUMN drift_bps double precision,
    ADD COLUMN recent_net_sum_bps double precision,
    ADD COLUMN recent_trades double precision,
    ADD COLUMN best_stop_volatilities double precision,
    ADD COLUMN best_target_volatilities double precision,
    ADD COLUMN best_size double precision,
    ADD COLUMN best_found_day date,
    ADD COLUMN best_past_mean_net_bps double precision,
    ADD COLUMN trial_trades bigint,
    ADD COLUMN trial_net_sums_bps double precision[],
    ADD COLUMN trial_net_square_sums double precision[],
    ADD COLUMN judged_trades bigint,
    ADD COLUMN judged_mean_net_bps double precision,
    ADD COLUMN judged_gain_bps double precision,
    ADD COLUMN judged_gain_low_bps double precision,
    ADD COLUMN judged_gain_high_bps double precision,
    ADD COLUMN judged_sized_net_bps double precision,
    ADD COLUMN judged_net_sum_bps double precision,
    ADD COLUMN judged_gain_sum_bps double precision,
    ADD COLUMN judged_gain_square_sum double precision,
    ADD COLUMN judged_sized_sum_bps double precision,
    ADD CONSTRAINT pattern_library_state CHECK (state IN ('candidate', 'reliable', 'degraded', 'retired'));

COMMENT ON COLUMN pattern_library.state IS
    'Where number is null the state is of the rule of before: judged by the trades that the pattern was found in.';

CREATE INDEX pattern_library_by_state ON pattern_library (state, day);

-- What each night's trades said of the patterns known the night before; 'none' are those that resembled none.
CREATE TABLE pattern_nights (
    day date NOT NULL,
    pattern_id text NOT NULL,
    state text,
    trades bigint NOT NULL,
    wins bigint NOT NULL,
    net_bps_sum double precision NOT NULL,
    net_usd double precision NOT NULL,
    evidence double precision,
    drift_evidence double precision,
    PRIMARY KEY (day, pattern_id)
);
CREATE INDEX pattern_nights_pattern_id ON pattern_nights (pattern_id, day);
