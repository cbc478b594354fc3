"""What the tests of the agent share."""

from collections.abc import Callable

import pytest
import torch

from huracan.market.block import MarketBlock
from tests.huracan.agent.planted_market import planted_market as make_planted_market


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Networks this small only lose time to a second thread, and the other tests want the core."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def planted_market() -> Callable[..., MarketBlock]:
    """`planted_market.planted_market`."""
    return make_planted_market
