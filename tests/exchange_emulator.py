"""A real HTTP server on 127.0.0.1 that speaks Binance's protocol: klines, exchangeInfo and funding rates.

It serves candle tables (RAW_SCHEMA) as the exchange would: pages, limits, request weights, 429 with
Retry-After, error codes; and it can fail on demand. A symbol like BTC/USDT:USDT is served by the addresses of
the USD-M futures. Only what public requests of the nights need is here.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pyarrow as pa

from tests.emulated_markets import contract_info, symbol_info
from tests.exchange_faults import BODIES, FAULTS, PAGES, REFUSALS, Served

_STEP_MS = {"1m": 60_000, "3m": 180_000, "5m": 300_000, "15m": 900_000, "30m": 1_800_000, "1h": 3_600_000}
_DEFAULT_LIMIT, _LARGEST_LIMIT = 500, 1000
_WEIGHTS = {"/api/v3/klines": 2, "/api/v3/exchangeInfo": 20, "/api/v3/time": 1, "/api/v3/ping": 1}
_KLINES = ("/api/v3/klines", "/fapi/v1/klines")
_EXCHANGE_INFO = ("/api/v3/exchangeInfo", "/fapi/v1/exchangeInfo")
_FUNDING, _FUNDING_LIMIT = "/fapi/v1/fundingRate", 1000
_CAPTCHA = "/captcha"


@dataclass
class EmulatorOptions:
    """How the emulated exchange behaves; `clock` gives seconds since 1970."""

    timeframe: str = "1m"
    weight_per_minute: int = 6000
    retry_after_s: int | str = 1
    """or a date, as HTTP allows"""
    largest_limit: int = _LARGEST_LIMIT
    repeats_last_candle: bool = False
    """each page begins with the last candle of the page before, as some exchanges do"""
    open_candle: bool = False
    """serve one more candle after the last, not closed at `clock`"""
    timeout_s: float = 2.0
    fault: str = ""
    """one of FAULTS, at every `fault_every`-th request: of candles or rates for a page, else of any"""
    fault_every: int = 5
    funding: Mapping[str, list[tuple[int, float]]] = field(default_factory=dict)
    """settlement in ms and rate, in time order, by symbol like BTC/USDT:USDT"""
    largest_funding_limit: int = _FUNDING_LIMIT
    clock: Callable[[], float] = time.time


@dataclass
class Emulator:
    """The running exchange: where it listens, what was asked, and what shall fail next."""

    tables: dict[str, pa.Table]
    options: EmulatorOptions
    url: str = ""
    requests: Counter[str] = field(default_factory=Counter)
    """answers by path and, as `status 429`, by status"""
    queries: list[dict[str, str]] = field(default_factory=list)
    """the parameters of every klines request"""
    asked: Counter[bool] = field(default_factory=Counter)
    """requests by whether they are for a page of candles or rates"""
    _faults: list[str] = field(default_factory=list)
    _window: tuple[int, int] = (0, 0)
    _lock: Any = field(default_factory=Lock)

    def fail_next(self, count: int, fault: str) -> None:
        """Let the next `count` requests fail with one of FAULTS."""
        if fault not in FAULTS:
            raise ValueError(f"unknown fault {fault!r}")
        with self._lock:
            self._faults.extend([fault] * count)

    def next_fault(self, path: str) -> str | None:
        is_page = path in (*_KLINES, _FUNDING)
        with self._lock:
            self.asked[is_page] += 1
            if self._faults:
                return self._faults.pop(0)
            fault = self.options.fault
            number = self.asked[True] if fault in PAGES else self.asked.total()
            is_due = bool(fault) and number % self.options.fault_every == 0
            return fault if is_due and (is_page or fault not in PAGES) else None

    def spend(self, path: str) -> int:
        """Add the request's weight to the running minute and return the sum."""
        with self._lock:
            minute = int(self.options.clock() // 60)
            used = self._window[1] if self._window[0] == minute else 0
            self._window = (minute, used + _WEIGHTS.get(path, 1))
            return self._window[1]

    def count(self, name: str) -> None:
        with self._lock:
            self.requests[name] += 1


@contextmanager
def running_emulator(tables: Mapping[str, pa.Table], **options: Any) -> Iterator[Emulator]:
    """Serve `tables` (symbol like BTC/USDT -> RAW_SCHEMA) until the block ends."""
    emulator = Emulator(dict(tables), EmulatorOptions(**options))
    served = {_market_id(symbol): _klines(table, emulator) for symbol, table in tables.items()}
    handler = type("Handler", (_Handler,), {"emulator": emulator, "klines": served})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    emulator.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield emulator
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _market_id(symbol: str) -> str:
    return symbol.partition(":")[0].replace("/", "")


def _eight(value: float | None) -> str:
    return f"{value or 0.0:.8f}"


def _klines(table: pa.Table, emulator: Emulator) -> tuple[np.ndarray, list[list[Any]]]:
    """Sorted open times and their 12-field rows, as api/v3/klines gives them."""
    step = _STEP_MS[emulator.options.timeframe]
    table = table.sort_by("open_time")
    times = np.asarray(table.column("open_time").cast(pa.int64()).to_numpy())
    values = [table.column(name).to_pylist() for name in ("open", "high", "low", "close", "volume")]
    counts = table.column("trade_count").to_pylist()
    takers = table.column("taker_buy_volume").to_pylist()
    rows: list[list[Any]] = []
    for at, o, h, low, c, v, count, taker in zip(times.tolist(), *values, counts, takers, strict=True):
        bought = taker or 0.0
        prices = [_eight(o), _eight(h), _eight(low), _eight(c), _eight(v)]
        rows.append(
            [at, *prices, at + step - 1, _eight(v * c), count or 0, _eight(bought), _eight(bought * c), "0"]
        )
    if emulator.options.open_candle and rows:
        at = rows[-1][0] + step
        rows.append([at, *rows[-1][1:6], at + step - 1, *rows[-1][7:]])
        times = np.append(times, at)
    return times, rows


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    emulator: Emulator
    klines: dict[str, tuple[np.ndarray, list[list[Any]]]]

    def log_message(self, format: str, *arguments: Any) -> None:
        """Tests are quiet."""

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        self.emulator.count(address.path)
        fault = self.emulator.next_fault(address.path) if address.path != _CAPTCHA else "html"
        used = self.emulator.spend(address.path)
        options = self.emulator.options
        if fault is not None and fault not in PAGES:
            self._fail(fault)
        elif used > options.weight_per_minute:
            self._answer(429, {"code": -1003, "msg": "Too many requests; current limit exceeded."}, used)
        elif address.path in _KLINES:
            self._answer(*self._serve_klines(query, fault), used)
        elif address.path in _EXCHANGE_INFO:
            self._answer(200, self._exchange_info(address.path.startswith("/fapi")), used)
        elif address.path == _FUNDING:
            self._answer(*self._serve_funding(query, fault), used)
        elif address.path == "/api/v3/time":
            self._answer(200, {"serverTime": int(options.clock() * 1000)}, used)
        elif address.path == "/api/v3/ping":
            self._answer(200, {}, used)
        else:
            self._answer(404, {"code": -1100, "msg": "Unknown path."}, used)

    def _fail(self, fault: str) -> None:
        self.emulator.count(f"fault {fault}")
        if fault == "timeout":
            time.sleep(self.emulator.options.timeout_s)
            self.close_connection = True
        elif fault == "cut":
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(b"[[167961600")
            self.close_connection = True
        elif fault == "garbled":
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"[]")
        elif fault == "captcha":
            self.send_response(302)
            self.send_header("Location", self.emulator.url.replace("127.0.0.1", "localhost") + _CAPTCHA)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            status, kind, text = (BODIES | REFUSALS)[fault]
            self._send(status, text.encode(), 0, kind)

    def _answer(self, status: int, body: Any, used: int) -> None:
        self._send(status, json.dumps(body).encode(), used, "application/json;charset=UTF-8")

    def _send(self, status: int, payload: bytes, used: int, kind: str) -> None:
        self.emulator.count(f"status {status}")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(payload)))
        self.send_header("X-MBX-USED-WEIGHT-1M", str(used))
        if status in (418, 429):
            self.send_header("Retry-After", str(self.emulator.options.retry_after_s))
        self.end_headers()
        self.wfile.write(payload)

    def _serve_klines(self, query: dict[str, str], fault: str | None) -> tuple[int, Any]:
        self.emulator.queries.append(query)
        options = self.emulator.options
        if query.get("symbol") not in self.klines:
            return 400, {"code": -1121, "msg": "Invalid symbol."}
        if query.get("interval") != options.timeframe:
            return 400, {"code": -1120, "msg": "Invalid interval."}
        times, rows = self.klines[query["symbol"]]
        limit = min(int(query.get("limit", _DEFAULT_LIMIT)), options.largest_limit)
        last = int(np.searchsorted(times, int(query.get("endTime", 2**62)), side="right"))
        if "startTime" not in query:
            return 200, rows[max(last - limit, 0) : last]
        first = int(np.searchsorted(times, int(query["startTime"]), side="left"))
        if options.repeats_last_candle and first > 0:
            first -= 1
        served = Served(rows, first, max(min(first + limit, last), first), limit)
        return 200, PAGES[fault](served) if fault is not None else served.page

    def _serve_funding(self, query: dict[str, str], fault: str | None) -> tuple[int, Any]:
        """Ascending from startTime, at most `limit`, endTime included; of an unknown symbol nothing."""
        self.emulator.queries.append(query)
        options = self.emulator.options
        by_id = {_market_id(symbol): rates for symbol, rates in options.funding.items()}
        rates = [[at, _eight(rate)] for at, rate in by_id.get(query.get("symbol", ""), [])]
        limit = min(int(query.get("limit", 100)), options.largest_funding_limit)
        first = sum(at < int(query.get("startTime", 0)) for at, _ in rates)
        last = sum(at <= int(query.get("endTime", 2**62)) for at, _ in rates)
        served = Served(rates, first, max(min(first + limit, last), first), limit)
        page = PAGES[fault](served) if fault is not None else served.page
        return 200, [
            {"symbol": query["symbol"], "fundingTime": at, "fundingRate": rate, "markPrice": "1.0"}
            for at, rate in page
        ]

    def _exchange_info(self, is_future: bool) -> dict[str, Any]:
        limit = self.emulator.options.weight_per_minute
        rate = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": limit}
        return {
            "timezone": "UTC",
            "serverTime": int(self.emulator.options.clock() * 1000),
            "rateLimits": [rate],
            "exchangeFilters": [],
            "symbols": [
                contract_info(symbol) if is_future else symbol_info(symbol)
                for symbol in self.emulator.tables
                if (":" in symbol) == is_future
            ],
        }
