"""The cases of the walk-forward over decision timeframes: coins, files, days, settings, rivals.

Each case was fixed before a night of its own was made. Nothing is run here.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from huracan.decision_defaults import DEFAULTS

NIGHTS = 60
"""Traded nights of a case, where nothing else is asked for."""
MOST_NIGHTS = 180
"""The first traded night of a case is so many days before its files end: more nights go on from there."""
NIGHTS_BEFORE = 2
"""Untraded nights before the first traded one, which make the brains of its morning and of its day."""
LEAD_DAYS = 31
"""Days of candles before what a training needs, for the features of 30 days."""
OF_2023, OF_2026 = (date(2022, 1, 1), date(2023, 8, 31)), (date(2024, 12, 30), date(2026, 4, 29))
"""The first and the last whole day of the files."""
THREE = ("BTC", "ETH", "SOL")
SIX = ("ADA", "BNB", "BTC", "DOGE", "ETH", "XRP")
SEVEN = ("ADA", "BNB", "BTC", "DOGE", "ETH", "SOL", "XRP")


@dataclass(frozen=True)
class HorizonCase:
    """One home: decisions of `decision` over candles of `detail`."""

    name: str
    decision: str
    detail: str
    coins: tuple[str, ...]
    held: tuple[date, date]
    """The first and the last whole day of its files."""
    second_files: tuple[str, ...] = ()
    """Coins whose candles of this time lie in a file of their own year."""
    cost_multiplier: float | None = None
    """What trading costs while it is learned, as a multiple; None: the default of the decision timeframe."""

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(f"{coin}/USDT" for coin in self.coins)

    @property
    def first_day(self) -> date:
        """The first traded day."""
        return self.held[1] - timedelta(days=MOST_NIGHTS - 1)

    def files(self, data: Path) -> dict[str, Path]:
        """The candle file of every coin by the name under which a source finds it."""
        plain = {coin: f"binance_{coin}-USDT_{self.detail}" for coin in self.coins}
        year = f"_{self.held[1].year - 1}"
        return {
            f"{name}.parquet": data / f"{name}{year if coin in self.second_files else ''}.parquet"
            for coin, name in plain.items()
        }

    def settings(self, candles: Path, first_day: date) -> dict[str, str]:
        """What differs from the product's defaults: source, coins, timeframes, and one seed on one core.

        What a training costs at its timeframe, what is paid for a trade and how long is held are the
        defaults of that timeframe; so is the window, which the profile `local` would shorten.
        """
        return {
            "source.kind": "files",
            "source.files.directory": str(candles),
            "source.files.exchange": "binance",
            "universe.symbols": f"[{','.join(self.symbols)}]",
            "universe.timeframe": self.detail,
            "universe.first_day": first_day.isoformat(),
            "market.decision_timeframe": self.decision,
            "training.window_days": str(DEFAULTS["training.window_days"][self.decision]),
            "training.seed": "1",
            "training.seed_count": "1",
            "training.threads": "1",
            "training.device": "cpu",
        } | ({} if self.cost_multiplier is None else {"training.cost_multiplier": str(self.cost_multiplier)})


CASES: tuple[HorizonCase, ...] = (
    HorizonCase("1h_seven", "1h", "1h", SEVEN, OF_2023, cost_multiplier=1.0),
    HorizonCase("4h_seven", "4h", "1h", SEVEN, OF_2023, cost_multiplier=1.0),
    HorizonCase("15m_six_2025", "15m", "15m", SIX, OF_2026, ("BTC", "ETH"), cost_multiplier=1.0),
    HorizonCase("1m_three", "1m", "1m", THREE, OF_2023, cost_multiplier=1.0),
    HorizonCase("5m_three", "5m", "1m", THREE, OF_2023, cost_multiplier=1.0),
    HorizonCase("15m_three", "15m", "1m", THREE, OF_2023),
    HorizonCase("1h_three_by_minutes", "1h", "1m", THREE, OF_2023),
    HorizonCase("4h_three_by_minutes", "4h", "1m", THREE, OF_2023),
    HorizonCase("1h_seven_dearer", "1h", "1h", SEVEN, OF_2023),
    HorizonCase("15m_six_2025_dearer", "15m", "15m", SIX, OF_2026, ("BTC", "ETH")),
)
"""In the order in which they are run. The first five were fixed, and their nights made, when every training
was at what trades cost; the others when it had become dearer, with the results of the first in view."""


@dataclass(frozen=True)
class RivalSettings:
    """How those beside whom the policy stands decide; the same in every case."""

    seed: int = 15
    """Of everything that is drawn."""
    draws: int = 200
    """Of the random rivals."""
    bootstraps: int = 2_000
    """Resamplings of days behind a standard error."""
    fast_decisions: int = 20
    slow_decisions: int = 100
    """The trend rule is in while the mean of the last `fast_decisions` closes is above that of the slow."""
    booster_rows: int = 50_000
    """At most so many past decisions, evenly thinned, does a refit of the boosting see."""
    booster_rounds: int = 200
    booster_leaves: int = 31
    booster_learning_rate: float = 0.05
    booster_least_rows: int = 200
    """In a leaf."""


RIVALS = RivalSettings()
