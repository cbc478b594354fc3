"""What to repeat of a win: a verdict that a machine can read, and a sentence for a person."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.memory.neighbourhood import Neighbourhoods
from huracan.analysis.outcome import Booleans
from huracan.analysis.row_text import Column, sentences
from huracan.analysis.trades.luck import Luck

REPEAT, DO_NOT_REPEAT, UNPROVEN = REPEAT_VERDICTS = ("yes", "no", "unproven")
BEYOND_LUCK_PERCENTILE = 95.0

_LEADS = {
    REPEAT: "Repeat",
    DO_NOT_REPEAT: "Do not repeat it for this win",
    UNPROVEN: "Not proven",
}
_TEXT = (
    "{lead}: {side} {symbol} in regime {regime} ({drivers}); {similar_trades} similar trades, win "
    "probability {probability}, {pattern_mean_net_bps} bps on average; did better than {percentile} of the "
    "entries by chance; entry {entry_label}, {exit}."
)


def is_beyond_luck(luck: Luck) -> Booleans:
    """[trades] better than 95 % of the entries by chance, by either way of ending them.

    False where there were too few entries to say so.
    """
    return np.asarray(luck.surely_beaten >= BEYOND_LUCK_PERCENTILE)


def judge_repeat(luck: Luck, alike: Neighbourhoods, strength: pa.Array) -> pa.Array:
    """[trades] `yes`: beyond luck, and similar past trades are `strong`. `no`: half of the entries by chance
    did as well, or similar past trades speak against it. `unproven`: what is left."""
    by_chance = luck.surely_beaten <= 50.0
    speaks_against = (alike.count > 0) & (alike.win_probability_high < 0.5) & (alike.mean_net_bps < 0)
    is_strong = np.array(strength.to_pylist(), dtype=object) == "strong"
    verdicts = np.select(
        [is_beyond_luck(luck) & is_strong, by_chance | speaks_against], [REPEAT, DO_NOT_REPEAT], UNPROVEN
    )
    return pa.array(verdicts.tolist(), pa.string())


def say_repeat(verdicts: pa.Array, facts: dict[str, Column]) -> pa.Array:
    """One sentence per trade: `facts` are side, symbol, regime, drivers, similar_trades, probability,
    pattern_mean_net_bps, percentile, entry_label and exit."""
    index = pc.index_in(verdicts, value_set=pa.array(list(_LEADS)))
    leads = pa.array(list(_LEADS.values())).take(index)
    return sentences(_TEXT, {"lead": leads, **facts}, len(verdicts))
