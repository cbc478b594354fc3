"""The made-up markets of the market's tests."""

from tests.huracan.market.conftest import make_block, random_market

__all__ = ["make_block", "random_market"]
