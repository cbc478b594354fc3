"""Over all days of real candles that a night could label every regime is met, and names last."""

from pathlib import Path

import pytest

from huracan.candles.schema import Timeframe
from regime_shares import candle_files, features_by_day, walk

LEAST_DAYS, LEAST_SHARE = 540, 0.02
KEPT, KEPT_ON_MOST_DAYS = 0.97, 0.9


@pytest.mark.slow
def test_no_regime_of_any_symbol_has_less_than_two_percent_and_most_bars_keep_theirs_a_night_later(
    real_data: Path,
) -> None:
    hour = Timeframe("1h")
    files = dict(list(candle_files(real_data, "1h").items())[:3])
    found = walk(list(features_by_day(files, hour)), hour, named_again_every=3)
    relative, absolute = found.rows("1h")
    assert relative["days"] == absolute["days"] >= LEAST_DAYS
    for row in (relative, absolute):
        assert row["least of a symbol"] >= LEAST_SHARE, row
    assert relative["kept"] >= KEPT and relative["kept, 5 %"] >= KEPT_ON_MOST_DAYS, relative
