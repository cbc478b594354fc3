"""What the simulated market knows of each symbol: its first price, tick, beta, own volatility and volume.

Known names have plausible values; any other name gets values drawn from a checksum of the name.
"""

import re
import zlib
from dataclasses import dataclass

import numpy as np

from huracan.errors import InvalidInput

_PAIR = re.compile(r"[A-Z0-9]{1,15}/[A-Z0-9]{2,8}(:[A-Z0-9]{2,8})?")


@dataclass(frozen=True)
class SymbolParameters:
    """One symbol's constants; `own_volatility_bps` is of one quiet minute, without the market's part."""

    code: int
    """checksum of the name, the symbol's own random stream"""
    first_price: float
    price_decimals: int
    beta: float
    own_volatility_bps: float
    minute_volume: float
    """base units in a quiet minute"""
    trade_size: float
    """base units of a usual trade"""


_KNOWN = {  # first price, decimals, beta, own volatility, quote volume of a minute
    "BTC": (42_000.0, 2, 1.0, 1.6, 900_000.0),
    "ETH": (2_300.0, 2, 1.1, 2.4, 450_000.0),
    "SOL": (98.0, 3, 1.3, 4.2, 160_000.0),
    "BNB": (310.0, 2, 0.9, 2.6, 90_000.0),
    "XRP": (0.62, 5, 1.0, 3.6, 80_000.0),
    "DOGE": (0.09, 6, 1.3, 4.4, 60_000.0),
    "ADA": (0.55, 5, 1.2, 4.0, 45_000.0),
}


def symbol_parameters(symbol: str) -> SymbolParameters:
    """The constants of `symbol` (BASE/QUOTE), the same in every process.

    Raises InvalidInput where the name is no pair.
    """
    if _PAIR.fullmatch(symbol) is None:
        raise InvalidInput(f"The symbol {symbol!r} is not a pair.", "Write it like 'BTC/USDT'.")
    code = zlib.crc32(symbol.encode())
    base = symbol.partition("/")[0]
    if base in _KNOWN:
        price, decimals, beta, own_bps, quote_volume = _KNOWN[base]
    else:
        generator = np.random.default_rng(zlib.crc32(base.encode()))
        price = float(10 ** generator.uniform(-1.0, 2.5))
        decimals = int(np.clip(5 - np.floor(np.log10(price)), 2, 8))
        beta = float(generator.uniform(0.8, 1.5))
        own_bps = float(generator.uniform(2.5, 5.0))
        quote_volume = float(10 ** generator.uniform(4.2, 5.2))
    return SymbolParameters(
        code=code,
        first_price=price,
        price_decimals=decimals,
        beta=beta,
        own_volatility_bps=own_bps,
        minute_volume=quote_volume / price,
        trade_size=max(quote_volume / price / 350, 1e-6),
    )
