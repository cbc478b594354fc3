"""Files beside the tables of a partition, which one asset writes and another reads."""

BETS_FILE = "bets.json"
EMBEDDING_FILE = "embedding.json"
MODEL_FILE = "model.json"
THRESHOLDS_FILE = "thresholds.json"
VERDICT_FILE = "verdict.json"
