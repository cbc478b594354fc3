-- Signals whose trades may still be open wait for a later night, and so do the bets on them.

ALTER TABLE pattern_library
    ADD COLUMN open_bets jsonb,
    ADD COLUMN judged_until timestamptz;
