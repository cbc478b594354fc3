"""Files that went wrong elsewhere, each in a folder of `cases` beside the real data, and the right answer."""

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

from huracan.candles.grid import assemble_day
from huracan.candles.jumps import LastClose
from huracan.candles.last_closes import last_closes_from
from huracan.candles.quality import Before, judge_day
from huracan.candles.schema import Timeframe
from huracan.errors import InvalidInput
from huracan_resources.candles.files import CandleFiles

MINUTE, DAY = Timeframe("1m"), date(2025, 1, 2)


@dataclass(frozen=True)
class Read:
    """What comes of 2025-01-02: the bars by status and the first open."""

    statuses: dict[str, int] = field(default_factory=lambda: {"traded": 1440})
    first_open: float = 100.0
    quarantined_rows: int = 0


CASES: list[tuple[str, str, Read | str]] = [
    # folder, symbol that is asked for, what is read or what the refusal says
    ("mirror", "BTC/USDT:USDT", Read()),
    ("mirror", "BTC/USDT", "indexPriceKlines.* holds index prices.*is the perpetual BTC/USDT:USDT"),
    ("delivery", "BTC/USDT", r"BTCUSDT_250328-1m.*is a delivery contract, which expires \(250328\)"),
    ("delivery", "BTC/USDT:USDT", "is a delivery contract"),
    ("coinm", "BTC/USD", "BTCUSD_PERP-1m.*is an inverse perpetual, settled in BTC"),
    ("coinm", "BTC/USD:BTC", "with its volume in contracts"),
    ("bybit_dash", "BTC/USDT", "BTC-USDT-SWAP-1m.csv is the perpetual.*Did you mean 'BTC/USDT:USDT'"),
    ("bybit_dash", "BTC/USDT:USDT", Read()),
    ("partial_then_final", "BTC/USDT", Read({"traded": 1439, "quarantined": 1}, quarantined_rows=2)),
    ("long_table", "BTC/USDT", "is named after BTC/USDT, but its column 'symbol' says 'ETHUSDT'"),
    ("utf16", "BTC/USDT", r"BTCUSDT-1m\.csv cannot be read: its encoding is UTF-16.*Save it as UTF-8"),
    ("appledouble", "BTC/USDT", Read()),
    ("maczip", "BTC/USDT", Read()),
    ("symlink_target", "BTC/USDT", Read()),
    ("zip_and_csv", "BTC/USDT", r"02\.csv and .*02\.zip in .* hold different candles of the same 1440 bars"),
    ("kaggle", "BTC/USD", "btcusd_1-min_data.csv names no timeframe '1m'.*rename it.* to BTC-USD_1m.csv"),
    ("nan_minutes", "BTC/USD", Read({"traded": 1380, "missing": 60})),
    ("semicolon", "BTC/USDT", "no column 'open_time'.*Datum.*'02.01.2025 00:00'.*Write times as ISO 8601"),
    ("excel_sci", "BTC/USDT", "only 18 have a time of their own.*'timestamp' begins with 1.73578e[+]12"),
    ("json_records", "BTC/USDT", Read()),
    ("two_headers", "BTC/USDT", Read()),
]
DAYS: dict[str, tuple[list[str], dict[date, tuple[str, str, str]]]] = {
    # folder: the universe, and by day who is set aside, for what, and the words
    "absent_day": (["BTC/USDT", "ETH/USDT"], {DAY: ("ETH/USDT", "absent", "no candle at all")}),
    "halt_redenom": (
        ["QUICK/USDT"],
        {DAY: ("QUICK/USDT", "jump", r"bar of 12:00 over 120 bars without one, to 1000 times.*factor 1000")},
    ),
    "redenominated": (
        ["BTC/USDT", "QUICK/USDT"],
        {
            date(2025, 1, 3): ("QUICK/USDT", "jump", "bar of 00:00 since an earlier day.*factor 1000"),
            date(2025, 1, 4): ("QUICK/USDT", "jump", "factor 1000"),
        },
    ),
}
"""Folders whose answer is a day's or a history's and not a file's."""


@pytest.fixture(scope="module")
def cases(real_data: Path) -> Path:
    folder = real_data.parent / "cases"
    if not folder.is_dir():
        pytest.skip("no cases")
    return folder


@pytest.mark.parametrize(("name", "symbol", "right"), CASES, ids=[f"{case[0]} {case[1]}" for case in CASES])
def test_a_case_is_read_right_or_refused_with_its_cause(
    cases: Path, tmp_path: Path, name: str, symbol: str, right: Read | str
) -> None:
    (tmp_path / name).symlink_to(cases / name)
    source = CandleFiles(tmp_path, MINUTE)
    if isinstance(right, str):
        with pytest.raises(InvalidInput, match=right) as refused:
            source.fetch_day(symbol, DAY)
        assert "Download it again" not in refused.value.remedy
        assert not re.search("Traceback|codec can't", str(refused.value))
        return
    day = assemble_day({symbol: source.fetch_day(symbol, DAY)}, DAY, MINUTE)
    assert Counter(day.ohlcv["status"].to_pylist()) == right.statuses
    assert day.ohlcv["open"][0].as_py() == right.first_open
    assert day.quarantine.num_rows == right.quarantined_rows


def test_every_folder_of_the_cases_has_its_right_answer(cases: Path) -> None:
    assert {each.name for each in cases.iterdir() if each.is_dir()} == {case[0] for case in CASES} | set(DAYS)


@pytest.mark.parametrize("name", DAYS)
def test_a_symbol_whose_history_cannot_be_believed_is_set_aside_and_the_others_go_on(
    cases: Path, name: str
) -> None:
    symbols, right = DAYS[name]
    source, known = CandleFiles(cases / name, MINUTE), dict[str, LastClose]()
    found: dict[date, dict[str, str]] = {}
    first = DAY if name == "halt_redenom" else date(2025, 1, 1)
    for day in sorted({first, DAY, *right}):
        raw = {symbol: source.fetch_day(symbol, day) for symbol in symbols}
        judged = judge_day(assemble_day(raw, day, MINUTE), MINUTE, before=Before(known))
        known = last_closes_from(judged.last_closes)
        for row in judged.set_aside.to_pylist():
            found[day] = row
    assert list(found) == list(right)
    for day, (symbol, cause, words) in right.items():
        assert (found[day]["symbol"], found[day]["cause"]) == (symbol, cause)
        assert re.search(words, found[day]["reason"])
