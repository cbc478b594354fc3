-- The shadow ledger itself, its signals, what the same decisions would have made otherwise, and the day's rivals.
-- The rows of a day are replaced as a whole. Units are in the names; *_usd is quote currency.

-- One row per closed trade: what was known at its signal and what came of it. Lists are in the order of
-- the recipe, the action list and the bias terms of the day's model.json in the lake.
CREATE TABLE shadow_trades (
    day date NOT NULL,
    trade_id text NOT NULL,
    symbol text NOT NULL,
    side text NOT NULL,
    mode text,
    size_multiplier double precision,
    quantity double precision,
    notional_usd double precision,
    signal_time timestamptz NOT NULL,
    entry_time timestamptz NOT NULL,
    entry_reference_price double precision,
    entry_price double precision,
    exit_time timestamptz NOT NULL,
    exit_reference_price double precision,
    exit_price double precision,
    exit_reason text NOT NULL,
    adds bigint,
    scale_outs bigint,
    bars_held bigint,
    stop_price double precision,
    target_price double precision,
    gross_bps double precision,
    fee_bps double precision,
    spread_bps double precision,
    slippage_bps double precision,
    funding_bps double precision,
    net_bps double precision NOT NULL,
    gross_usd double precision,
    fee_usd double precision,
    spread_usd double precision,
    slippage_usd double precision,
    funding_usd double precision,
    net_usd double precision NOT NULL,
    estimated_cost_bps double precision,
    paid_cost_bps double precision,
    max_favourable_bps double precision,
    max_favourable_time timestamptz,
    max_adverse_bps double precision,
    max_adverse_time timestamptz,
    entry_volatility_bps double precision,
    regime text,
    probability_trend real,
    probability_range real,
    probability_high_volatility real,
    probability_panic real,
    exit_regime text,
    exit_volatility_bps double precision,
    entry_features real[],
    action text,
    policy_logits real[],
    action_bias real[],
    bias_terms real[],
    action_mask boolean[],
    action_probabilities real[],
    value_estimate double precision,
    nearest_patterns text[],
    nearest_pattern_cosines real[],
    model_id text,
    data_hash text,
    configuration_digest text,
    is_simulated boolean NOT NULL,
    PRIMARY KEY (day, trade_id)
);
CREATE INDEX shadow_trades_trade_id ON shadow_trades (trade_id);
CREATE INDEX shadow_trades_symbol ON shadow_trades (symbol, entry_time);

-- One row per signal, those that made no trade included: status traded, lapsed, masked or declined.
CREATE TABLE shadow_signals (
    day date NOT NULL,
    symbol text NOT NULL,
    signal_time timestamptz NOT NULL,
    action text NOT NULL,
    side text NOT NULL,
    size_multiplier double precision,
    status text NOT NULL,
    reason text,
    trade_id text,
    probability real,
    unmasked_probability real,
    value_estimate real,
    regime text,
    entry_volatility_bps double precision,
    would_net_bps double precision,
    would_exit_reason text,
    would_bars_held bigint,
    PRIMARY KEY (day, symbol, signal_time)
);
CREATE INDEX shadow_signals_status ON shadow_signals (status, day);

-- What the day's decisions would have made: dearer, a bar later, in a wilder market.
CREATE TABLE shadow_scenarios (
    day date NOT NULL,
    scenario text NOT NULL,
    symbol text NOT NULL,
    trades bigint NOT NULL,
    winners bigint NOT NULL,
    stopped bigint NOT NULL,
    notional_usd double precision NOT NULL,
    gross_usd double precision NOT NULL,
    fee_usd double precision NOT NULL,
    spread_usd double precision NOT NULL,
    slippage_usd double precision NOT NULL,
    funding_usd double precision NOT NULL,
    net_usd double precision NOT NULL,
    net_bps double precision,
    change_usd double precision NOT NULL,
    break_even_fee_bps double precision,
    PRIMARY KEY (day, scenario, symbol)
);

-- What others would have made of the same bars.
CREATE TABLE shadow_rivals (
    day date NOT NULL,
    rival text NOT NULL,
    symbol text NOT NULL,
    trades bigint NOT NULL,
    net_usd double precision NOT NULL,
    net_bps double precision,
    draws bigint,
    net_bps_low double precision,
    net_bps_high double precision,
    brain_percentile double precision,
    PRIMARY KEY (day, rival, symbol)
);
