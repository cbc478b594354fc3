-- What the shadow trades teach: their memory, their analyses, and the figures of models and gates.
-- The rows of a day are replaced as a whole. Units are in the names; *_usd is quote currency.

-- One row per closed trade. closed_at is the moment from which its outcome was known.
CREATE TABLE trade_memory (
    day date NOT NULL,
    trade_id text NOT NULL,
    symbol text NOT NULL,
    side text NOT NULL,
    regime text,
    signal_time timestamptz NOT NULL,
    entry_time timestamptz NOT NULL,
    closed_at timestamptz NOT NULL,
    exit_reason text NOT NULL,
    is_end_of_session boolean NOT NULL,
    is_winner boolean NOT NULL,
    bars_held bigint,
    holding_minutes double precision,
    gross_bps double precision,
    net_bps double precision NOT NULL,
    net_usd double precision NOT NULL,
    max_favourable_bps double precision,
    max_adverse_bps double precision,
    entry_volatility_bps double precision,
    model_id text,
    is_simulated boolean NOT NULL,
    entry_features real[],
    embedding_version text NOT NULL,
    embedding vector(64) NOT NULL,
    PRIMARY KEY (day, trade_id)
);
CREATE INDEX trade_memory_closed_at ON trade_memory (embedding_version, closed_at);
CREATE INDEX trade_memory_symbol ON trade_memory (symbol, closed_at);
CREATE INDEX trade_memory_regime ON trade_memory (regime, closed_at);
CREATE INDEX trade_memory_embedding ON trade_memory USING hnsw (embedding vector_cosine_ops);

-- What came after the exits of the day before.
CREATE TABLE post_exit_tracking (
    day date NOT NULL,
    trade_id text NOT NULL,
    symbol text NOT NULL,
    regime text,
    exit_reason text NOT NULL,
    is_end_of_session boolean NOT NULL,
    exit_time timestamptz,
    exit_reference_price double precision,
    net_bps double precision NOT NULL,
    price_after_60_minutes double precision,
    price_after_240_minutes double precision,
    price_after_1440_minutes double precision,
    return_after_60_minutes_bps double precision,
    return_after_240_minutes_bps double precision,
    return_after_1440_minutes_bps double precision,
    bars_seen bigint NOT NULL,
    best_bps double precision,
    best_time timestamptz,
    worst_bps double precision,
    worst_time timestamptz,
    missed_profit_bps double precision,
    saved_loss_bps double precision,
    should_have_held boolean,
    should_have_exited_earlier boolean,
    PRIMARY KEY (day, trade_id)
);

-- One row per winning trade.
CREATE TABLE win_analysis (
    day date NOT NULL,
    trade_id text NOT NULL,
    symbol text NOT NULL,
    regime text,
    exit_reason text NOT NULL,
    is_end_of_session boolean NOT NULL,
    net_bps double precision NOT NULL,
    net_usd double precision NOT NULL,
    drivers jsonb NOT NULL,
    similar_trades bigint NOT NULL,
    effective_similar_trades double precision,
    pattern_win_probability double precision,
    pattern_win_probability_low double precision,
    pattern_win_probability_high double precision,
    pattern_mean_net_bps double precision,
    pattern_strength text,
    net_score double precision,
    luck_probability double precision,
    is_beyond_luck boolean,
    entry_quality double precision,
    entry_label text,
    exit_quality double precision,
    missed_bps double precision,
    explanation text,
    PRIMARY KEY (day, trade_id)
);

-- One row per losing trade.
CREATE TABLE loss_analysis (
    day date NOT NULL,
    trade_id text NOT NULL,
    symbol text NOT NULL,
    regime text,
    exit_reason text NOT NULL,
    is_end_of_session boolean NOT NULL,
    net_bps double precision NOT NULL,
    net_usd double precision NOT NULL,
    primary_reason text NOT NULL,
    further_reasons jsonb,
    evidence jsonb NOT NULL,
    severity text NOT NULL,
    is_preventable boolean NOT NULL,
    avoidance_rule text NOT NULL,
    net_score double precision,
    similar_trades bigint NOT NULL,
    effective_similar_trades double precision,
    pattern_win_probability double precision,
    pattern_win_probability_low double precision,
    pattern_win_probability_high double precision,
    pattern_mean_net_bps double precision,
    PRIMARY KEY (day, trade_id)
);
CREATE INDEX loss_analysis_primary_reason ON loss_analysis (primary_reason, day);

-- The library as it was on each day; an identity lasts from day to day.
CREATE TABLE pattern_library (
    day date NOT NULL,
    pattern_id text NOT NULL,
    name text NOT NULL,
    state text NOT NULL,
    trades bigint NOT NULL,
    wins bigint NOT NULL,
    win_rate double precision,
    win_rate_low double precision,
    win_rate_high double precision,
    mean_net_bps double precision,
    mean_net_standard_error_bps double precision,
    mean_holding_minutes double precision,
    max_drawdown_bps double precision,
    profit_factor double precision,
    main_regime text,
    first_seen_day date NOT NULL,
    last_seen_day date NOT NULL,
    match_cosine double precision,
    embedding_version text NOT NULL,
    centroid vector(64) NOT NULL,
    feature_means real[],
    PRIMARY KEY (day, pattern_id)
);
CREATE INDEX pattern_library_pattern_id ON pattern_library (pattern_id, day);

-- What each model's shadow trades made on a day: all of them, then by symbol and by regime.
-- The columns after traded_usd are of the whole session and filled where scope is 'all'.
CREATE TABLE model_performance (
    day date NOT NULL,
    model_id text NOT NULL DEFAULT '',
    scope text NOT NULL CHECK (scope IN ('all', 'symbol', 'regime')),
    value text NOT NULL,
    trades bigint NOT NULL,
    win_rate double precision,
    gross_usd double precision NOT NULL,
    cost_usd double precision NOT NULL,
    net_usd double precision NOT NULL,
    mean_net_bps double precision,
    profit_factor double precision,
    cost_share double precision,
    mean_bars_held double precision,
    traded_usd double precision NOT NULL,
    maximum_drawdown_usd double precision,
    maximum_drawdown_pct double precision,
    exposure double precision,
    turnover double precision,
    sharpe double precision,
    sharpe_standard_error double precision,
    sharpe_annual double precision,
    observations bigint,
    is_simulated boolean,
    PRIMARY KEY (day, model_id, scope, value)
);
CREATE INDEX model_performance_scope ON model_performance (scope, value, day);

-- Which inputs the confidence model of a day leans on; rank 1 matters most.
CREATE TABLE feature_importance (
    day date NOT NULL,
    feature text NOT NULL,
    gain double precision NOT NULL,
    permutation_importance double precision,
    rank bigint NOT NULL,
    PRIMARY KEY (day, feature)
);

-- What each gate was worth on a day; the gate 'combined' is all of them together.
CREATE TABLE gate_stats (
    day date NOT NULL,
    gate text NOT NULL,
    judged bigint NOT NULL,
    passed bigint NOT NULL,
    blocked bigint NOT NULL,
    abstained bigint NOT NULL,
    block_rate double precision,
    passed_mean_net_bps double precision,
    passed_net_usd double precision NOT NULL,
    passed_win_rate double precision,
    passed_win_rate_low double precision,
    passed_win_rate_high double precision,
    blocked_mean_net_bps double precision,
    blocked_net_usd double precision NOT NULL,
    good_blocks bigint NOT NULL,
    bad_blocks bigint NOT NULL,
    saved_usd double precision NOT NULL,
    PRIMARY KEY (day, gate)
);
CREATE INDEX gate_stats_gate ON gate_stats (gate, day);

-- The verdict on the brain of a day, with its reasons and the evidence.
CREATE TABLE brain_evaluation (
    day date NOT NULL,
    model_id text NOT NULL,
    is_promoted boolean NOT NULL,
    is_live_eligible boolean NOT NULL,
    is_simulated boolean NOT NULL,
    verdict text NOT NULL,
    reasons jsonb NOT NULL,
    numbers jsonb NOT NULL,
    PRIMARY KEY (day, model_id),
    CHECK (NOT (is_simulated AND is_live_eligible))
);
