-- The memory's index: half precision, by inner product (the vectors have length one), grown by every insert.
-- It only proposes; what it proposes is ranked by the vectors themselves.

DROP INDEX trade_memory_embedding;
CREATE INDEX trade_memory_nearest ON trade_memory
    USING hnsw ((embedding::halfvec(64)) halfvec_ip_ops) WITH (m = 16, ef_construction = 64);
