"""The section `candles` of the settings: what a symbol's day may look like before it is set aside."""

from dataclasses import dataclass

from huracan.candles.redenominations import Redenomination


@dataclass(frozen=True)
class CandleLimits:
    """What sets a symbol aside for the day. The outage of 2023-03-24 (80 of 1440 minutes) passes.

    A share above 0 allows one bar at least: of the six bars of a day at 4h one is more than a tenth."""

    maximum_absent_share: float = 0.15
    """of a symbol's bars, missing or quarantined"""
    maximum_quarantined_share: float = 0.01
    """rows in quarantine per bar of the day, per symbol"""
    maximum_move_pct: float = 75.0
    """of a close against the last known one, over gaps and midnights; more where the symbol's own
    restlessness over that time explains it"""
    redenominations: tuple[Redenomination, ...] = ()
    """Token swaps: `[{symbol: A/USDT, moment: 2025-01-02T12:00:00Z, factor: 1000}]`. From the moment on
    prices are stored over the factor, in the units of before. A factor of 1: the move was real."""

    @property
    def real_moves_ms(self) -> dict[str, list[int]]:
        """Symbol -> the moments at which a move was declared as real."""
        found: dict[str, list[int]] = {}
        for each in self.redenominations:
            if each.factor == 1.0:
                found.setdefault(each.symbol, []).append(each.moment_ms)
        return found
