-- Positions outlive midnight: another night's model may be in charge when a trade ends. Trades of before, whose
-- days ended flat, have none named.

ALTER TABLE shadow_trades ADD COLUMN exit_model_id text;

-- The day's result is the change of marked equity; the net of its closed trades is another thing.
ALTER TABLE model_performance ADD COLUMN result_usd double precision;
