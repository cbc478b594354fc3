"""An exchange's filters: kept beside a day, read back, and completed where something is left open."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan.candles.market_info import MarketInfo, market_infos_from_json, market_infos_to_json
from huracan.errors import InputRefused, InvalidInput

sizes = st.none() | st.floats(1e-9, 1e6)


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.tuples(sizes, sizes, sizes), max_size=5))
def test_filters_survive_the_file_and_unknown_markets_are_left_out(
    markets: dict[str, tuple[float | None, float | None, float | None]],
) -> None:
    infos = {symbol: MarketInfo(symbol, *filters) for symbol, filters in markets.items()}
    content = market_infos_to_json(infos.values())
    assert market_infos_from_json(content) == {
        symbol: info for symbol, info in infos.items() if any(markets[symbol])
    }
    assert market_infos_to_json(reversed(infos.values())) == content


def test_a_day_without_the_file_knows_of_no_filter() -> None:
    assert market_infos_from_json(None) == {}


@pytest.mark.parametrize("content", [b"{", b"[1]", b'{"A": {"lot": 1}}', b'{"A": {"tick_size": "x"}}'])
def test_a_file_of_something_else_is_refused(content: bytes) -> None:
    with pytest.raises(InputRefused, match=r"market_info\.json cannot be read"):
        market_infos_from_json(content)


def test_what_the_settings_leave_open_the_source_completes() -> None:
    settings = MarketInfo("A", tick_size=0.5)
    assert settings.completed_by(MarketInfo("A", 0.1, 0.01, 5.0)) == MarketInfo("A", 0.5, 0.01, 5.0)
    assert settings.completed_by(None) == settings
    assert MarketInfo("A", tick_size=0.0).completed_by(MarketInfo("A", 0.1)).tick_size == 0.0


def test_a_size_below_zero_is_refused() -> None:
    with pytest.raises(InvalidInput, match="step_size of A was -1"):
        MarketInfo("A", step_size=-1.0)
