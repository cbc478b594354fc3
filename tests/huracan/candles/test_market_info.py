"""What is known of a market: kept beside a day, read back, completed, and resolved by its kind."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan.candles.market_info import MarketInfo, market_infos_from_json, market_infos_to_json
from huracan.errors import InputRefused, InvalidInput

PERPETUAL = "BTC/USDT:USDT"
sizes, fees = st.none() | st.floats(1e-9, 1e3), st.none() | st.floats(-10, 100)
markets = st.fixed_dictionaries(
    {
        **dict.fromkeys(("tick_size", "step_size", "minimum_notional", "half_spread_bps"), sizes),
        **dict.fromkeys(("taker_fee_bps", "maker_fee_bps"), fees),
        "borrow_pct_per_year": sizes,
        "kind": st.sampled_from([None, "spot", "perpetual"]),
    }
)


@given(st.dictionaries(st.text(min_size=1, max_size=8), markets, max_size=5))
def test_markets_survive_the_file_as_they_were_and_as_they_were_resolved(
    known: dict[str, dict[str, Any]],
) -> None:
    infos = {symbol: MarketInfo(symbol, **given) for symbol, given in known.items()}
    content = market_infos_to_json(infos.values())
    assert market_infos_from_json(content) == infos
    assert market_infos_to_json(reversed(infos.values())) == content
    resolved = {symbol: info.resolved() for symbol, info in infos.items()}
    assert market_infos_from_json(market_infos_to_json(resolved.values())) == resolved


def test_a_day_without_the_file_knows_of_no_market() -> None:
    assert market_infos_from_json(None) == {}


def test_a_file_of_a_version_before_is_read_and_its_markets_have_the_defaults_of_their_kind() -> None:
    old = b'{"A/B": {"minimum_notional": null, "step_size": 0.1, "tick_size": 0.01}}'
    (info,) = market_infos_from_json(old).values()
    assert info == MarketInfo("A/B", 0.01, 0.1)
    assert info.resolved() == MarketInfo("A/B", 0.01, 0.1, None, "spot", 10.0, 10.0, 1.0)


@pytest.mark.parametrize("content", [b"{", b"[1]", b'{"A": {"lot": 1}}', b'{"A": {"tick_size": "x"}}'])
def test_a_file_of_something_else_is_refused(content: bytes) -> None:
    with pytest.raises(InputRefused, match=r"market_info\.json cannot be read"):
        market_infos_from_json(content)


def test_what_the_settings_leave_open_the_source_completes() -> None:
    settings = MarketInfo("A", tick_size=0.5)
    assert settings.completed_by(MarketInfo("A", 0.1, 0.01, 5.0)) == MarketInfo("A", 0.5, 0.01, 5.0)
    assert settings.completed_by(None) == settings
    assert MarketInfo("A", tick_size=0.0).completed_by(MarketInfo("A", 0.1)).tick_size == 0.0


def test_a_perpetual_is_told_by_its_spelling_and_costs_what_perpetuals_do() -> None:
    perpetual, spot = MarketInfo(PERPETUAL).resolved(), MarketInfo("BTC/USDT").resolved()
    assert (perpetual.kind, perpetual.taker_fee_bps, perpetual.maker_fee_bps) == ("perpetual", 5.0, 2.0)
    assert (spot.kind, spot.taker_fee_bps, spot.maker_fee_bps) == ("spot", 10.0, 10.0)
    said = MarketInfo("BTC-PERP", kind="perpetual", maker_fee_bps=-0.5).resolved()
    assert (said.kind, said.taker_fee_bps, said.maker_fee_bps) == ("perpetual", 5.0, -0.5)


def test_a_spot_market_may_be_sold_short_only_where_a_borrow_rate_is_given() -> None:
    assert MarketInfo(PERPETUAL).resolved().may_short
    assert not MarketInfo("BTC/USDT").resolved().may_short
    assert MarketInfo("BTC/USDT", borrow_pct_per_year=0.0).resolved().may_short


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"step_size": -1.0}, "step_size of A was -1.0"),
        ({"tick_size": float("nan")}, "tick_size of A was nan"),
        ({"taker_fee_bps": float("nan")}, "taker_fee_bps of A was nan"),
        ({"taker_fee_bps": "10 bps"}, "taker_fee_bps of A was '10 bps'. Give a number from -10000"),
        ({"maker_fee_bps": 10_000.0}, "maker_fee_bps of A was 10000.0"),
        ({"half_spread_bps": -0.1}, "half_spread_bps of A was -0.1"),
        ({"half_spread_bps": 10_000.0}, "from 0 on and below 10000"),
        ({"kind": "future"}, "kind of A was 'future'. Use one of spot, perpetual"),
        ({"kind": 5.0}, "kind of A was 5.0"),
    ],
)
def test_what_can_be_none_is_refused(known: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        MarketInfo("A", **known)
