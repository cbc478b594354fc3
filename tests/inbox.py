"""An HTTP server that keeps the messages which apprise's `json://` sends it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pydantic import SecretStr


class Inbox(ThreadingHTTPServer):
    """A server that refuses the first `refusals` messages and keeps the others."""

    refusals = 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.messages: list[dict[str, str]] = []

    @property
    def address(self) -> SecretStr:
        return SecretStr(f"json://127.0.0.1:{self.server_port}/token-hunter2")


class _Handler(BaseHTTPRequestHandler):
    server: Inbox

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        is_refused = self.server.refusals > 0
        self.server.refusals -= is_refused
        if not is_refused:
            self.server.messages.append(json.loads(body))
        self.send_response(503 if is_refused else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


@contextmanager
def open_inbox() -> Iterator[Inbox]:
    server = Inbox()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
