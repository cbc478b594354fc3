"""Files beside the tables of a partition, which one asset writes and another reads."""

BETS_FILE = "bets.json"
DECISIONS_FILE = "decisions.json"
EMBEDDING_FILE = "embedding.json"
HEDGE_FILE = "hedge.json"
MODEL_FILE = "model.json"
THRESHOLDS_FILE = "thresholds.json"
VERDICT_FILE = "verdict.json"


def seed_file(place: int) -> str:
    """The checkpoint of one of a night's seeds, 0 for the first: the published one as it is published, the
    others as they were judged on the held-out tail."""
    return f"seed_{place}.safetensors"
