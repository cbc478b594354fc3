-- The net of a trade is of its whole life; what a day made is the change of its accounts.

ALTER TABLE shadow_scenarios ADD COLUMN result_usd double precision;
