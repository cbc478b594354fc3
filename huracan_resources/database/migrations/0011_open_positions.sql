-- Positions outlive midnight: another night's model may be in charge when a trade ends. Trades of before, whose
-- days ended flat, have none named.

ALTER TABLE shadow_trades ADD COLUMN exit_model_id text;
