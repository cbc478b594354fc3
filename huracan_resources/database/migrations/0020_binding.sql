-- What gates that bind were worth: the book that obeys them beside the policy's own; and how many positions a
-- gate would have left.

CREATE TABLE binding_worth (
    day date NOT NULL,
    symbol text NOT NULL,
    trades bigint NOT NULL,
    gated_trades bigint NOT NULL,
    result_usd double precision NOT NULL,
    gated_result_usd double precision NOT NULL,
    worth_usd double precision NOT NULL,
    PRIMARY KEY (day, symbol)
);

ALTER TABLE gate_stats_trailing ADD COLUMN "left" bigint;
