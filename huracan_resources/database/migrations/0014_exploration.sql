-- The exploration book: trades at random moments, each with the probability with which it was drawn. Apart from
-- the policy's ledger, whose columns it has.

CREATE TABLE explored_trades (LIKE shadow_trades INCLUDING ALL);
ALTER TABLE explored_trades
    ADD COLUMN moment_propensity double precision,
    ADD COLUMN propensity double precision,
    ADD COLUMN uniform_density double precision,
    ADD COLUMN policy_density double precision,
    ADD COLUMN is_policy_entry boolean;

-- The memory holds both books.
ALTER TABLE trade_memory
    ADD COLUMN book text,
    ADD COLUMN moment_weight double precision;
