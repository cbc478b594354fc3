-- How good each exit was, the pattern that its entry resembled, and the quality of exits over time.

ALTER TABLE post_exit_tracking ADD COLUMN pattern_id text;
ALTER TABLE post_exit_tracking ADD COLUMN exit_quality double precision;

-- By exit reason and by pattern, of the day alone and of the last 30 days.
CREATE TABLE exit_quality (
    day date NOT NULL,
    window_days bigint NOT NULL,
    scope text NOT NULL CHECK (scope IN ('all', 'exit_reason', 'pattern')),
    value text NOT NULL,
    exits bigint NOT NULL,
    judged bigint NOT NULL,
    exit_quality double precision,
    exit_quality_standard_error double precision,
    mean_missed_profit_bps double precision,
    mean_saved_loss_bps double precision,
    mean_return_after_60_minutes_bps double precision,
    mean_return_after_240_minutes_bps double precision,
    mean_return_after_1440_minutes_bps double precision,
    should_have_held bigint NOT NULL,
    should_have_exited_earlier bigint NOT NULL,
    PRIMARY KEY (day, window_days, scope, value)
);
CREATE INDEX exit_quality_scope ON exit_quality (scope, value, day);
