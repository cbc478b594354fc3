"""What the night's assets read of the memory: the space that it lies in."""

from functools import lru_cache

from huracan.analysis.memory.embedding import EmbeddingStatistics
from huracan.errors import InputRefused
from huracan_assets.inputs.file_names import EMBEDDING_FILE
from huracan_assets.reads import Inputs


def statistics_of(inputs: Inputs) -> EmbeddingStatistics:
    """The space that the day's memory lies in."""
    content = inputs.file("trade_memory", EMBEDDING_FILE)
    if content is None:
        raise InputRefused("trade_memory holds trades without statistics.", "Run trade_memory again.")
    return statistics_from(content)


@lru_cache(maxsize=4)
def statistics_from(content: bytes) -> EmbeddingStatistics:
    """Fitted once and carried from night to night, so a window of months holds few of them."""
    return EmbeddingStatistics.from_json(content.decode())
