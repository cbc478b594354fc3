"""Bitget and Kraken over HTTP on 127.0.0.1, as far as ccxt asks them for spot candles and markets.

Their way with pages is the point: Bitget answers a span from its end, Kraken gives its last 720 candles.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa

_MINUTE_MS = 60_000
_HISTORY_PAGE = 200
_KEPT = 720


@dataclass
class OtherExchange:
    """One exchange with one market, BTC/USDT, and its candles of a minute."""

    candles: pa.Table
    page: int = 1000
    """rows of Bitget at most, fewer of its history"""
    is_descending: bool = False
    now_ms: int = 0
    """Kraken's clock"""
    url: str = ""
    spans: list[tuple[int, int]] = field(default_factory=list)
    """the rows of every answer: first and last open time"""

    def rows(self) -> list[list[Any]]:
        times = self.candles["open_time"].cast(pa.int64()).to_pylist()
        values = [self.candles[name].to_pylist() for name in ("open", "high", "low", "close", "volume")]
        return [[at, *(repr(value) for value in row)] for at, *row in zip(times, *values, strict=True)]

    def bitget(self, path: str, query: dict[str, str]) -> Any:
        if path.endswith("/public/symbols"):
            market = {"symbol": "BTCUSDT", "baseCoin": "BTC", "quoteCoin": "USDT", "status": "online"}
            data: Any = [{**market, "pricePrecision": "2", "quantityPrecision": "6", "minTradeUSDT": "1"}]
        elif path.endswith("candles"):
            limit = min(int(query["limit"]), _HISTORY_PAGE if "history" in path else self.page, self.page)
            since, until = int(query["startTime"]), int(query["endTime"])
            found = [row for row in self.rows() if since <= row[0] < until][-limit:]
            self.spans.append((found[0][0], found[-1][0]) if found else (0, 0))
            data = [[str(row[0]), *row[1:], "1", "1"] for row in found]
            data = data[::-1] if self.is_descending else data
        else:
            data = []
        return {"code": "00000", "msg": "success", "requestTime": 0, "data": data}

    def kraken(self, path: str, query: dict[str, str]) -> Any:
        if path.endswith("/AssetPairs"):
            pair = {"altname": "XBTUSDT", "base": "XBT", "quote": "USDT", "pair_decimals": 1}
            fees = {"fees": [[0, 0.4], [10_000, 0.35]], "fees_maker": [[0, 0.25], [10_000, 0.2]]}
            return {
                "error": [],
                "result": {"XBTUSDT": {**pair, **fees, "lot_decimals": 8, "status": "online"}},
            }
        if path.endswith("/OHLC"):
            found = [row for row in self.rows() if row[0] <= self.now_ms][-_KEPT:]
            found = [row for row in found if row[0] // 1000 > int(query.get("since", 0))]
            self.spans.append((found[0][0], found[-1][0]) if found else (0, 0))
            rows = [[row[0] // 1000, *row[1:5], row[4], row[5], 7] for row in found]
            return {"error": [], "result": {"XBTUSDT": rows, "last": 0}}
        return {"error": [], "result": {}}


@contextmanager
def running(exchange: OtherExchange) -> Iterator[OtherExchange]:
    """Serve it until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *arguments: Any) -> None:
            """Tests are quiet."""

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            answer = exchange.kraken if address.path.startswith("/0/") else exchange.bitget
            body = json.dumps(answer(address.path, query)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    exchange.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield exchange
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
