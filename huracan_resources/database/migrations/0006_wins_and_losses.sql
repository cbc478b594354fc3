-- What drove a trade, its luck, what to repeat, and what the rule that avoids a loss would have done.
-- Rows of before have none of it: null.

ALTER TABLE win_analysis
    ADD COLUMN driver_source text,
    ADD COLUMN confidence_log_odds double precision,
    ADD COLUMN confidence_base_log_odds double precision,
    ADD COLUMN luck_percentile double precision,
    ADD COLUMN luck_percentile_by_rules double precision,
    ADD COLUMN luck_entries bigint,
    ADD COLUMN luck_scope text,
    ADD COLUMN repeat text CHECK (repeat IN ('yes', 'no', 'unproven')),
    ADD COLUMN what_to_repeat text;

COMMENT ON COLUMN win_analysis.luck_probability IS
    'Only of rows from before there was a luck_percentile: that a random walk does at least as well.';

ALTER TABLE loss_analysis
    ADD COLUMN rule jsonb,
    ADD COLUMN rule_verdict text
        CHECK (rule_verdict IN ('helped', 'hurt', 'no evidence', 'no rule', 'no past')),
    ADD COLUMN rule_days bigint,
    ADD COLUMN rule_days_touched bigint,
    ADD COLUMN rule_trades bigint,
    ADD COLUMN rule_net_change_usd double precision,
    ADD COLUMN rule_net_change_bps double precision,
    ADD COLUMN rule_losses_avoided bigint,
    ADD COLUMN rule_wins_lost bigint,
    ADD COLUMN rule_t_statistic double precision,
    ADD COLUMN luck_percentile double precision,
    ADD COLUMN luck_percentile_by_rules double precision,
    ADD COLUMN luck_entries bigint,
    ADD COLUMN luck_scope text,
    ADD COLUMN drivers jsonb,
    ADD COLUMN driver_source text,
    ADD COLUMN confidence_log_odds double precision,
    ADD COLUMN confidence_base_log_odds double precision;

CREATE INDEX loss_analysis_rule_verdict ON loss_analysis (rule_verdict, day);
