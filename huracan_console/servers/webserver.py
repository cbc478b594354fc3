"""Dagster's webserver, which answers to the hosts it is meant for, and to pages of these alone.

Without it any page that a browser shows could reach the UI under a name of its own (DNS rebinding), or start
a run by a form, an image or a websocket, about which no browser asks us first.
python -m huracan_console.servers.webserver takes what dagster-webserver takes.
"""

import re
from collections.abc import Collection
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:]*)(:\d+)?")
_OWN = ("127.0.0.1", "localhost", "[::1]")


class AllowedHosts:
    """Passes on what is asked of one of the hosts, such as `localhost` or `*.example.com`, and by no page of
    another: a browser names the page in `Origin` or says `cross-site`, other clients send neither."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or self._is_welcome(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        refused = PlainTextResponse(
            "Huracan: this host, or that of the page, is not allowed. Name it in web.allowed_hosts.\n", 400
        )
        await refused(scope, receive, send)

    def _is_welcome(self, headers: Headers) -> bool:
        if not self._is_allowed(headers.get("host", "")):
            return False
        origin = headers.get("origin")
        if origin is not None:
            return self._is_allowed(origin.partition("://")[2])
        # A link to the UI, in a mail say, is followed.
        return headers.get("sec-fetch-site") != "cross-site" or headers.get("sec-fetch-mode") == "navigate"

    def _is_allowed(self, header: str) -> bool:
        named = _HOST.fullmatch(header.strip().lower())
        if named is None:
            return False
        host = named[1].removesuffix(".")
        above = (f"*.{host[at + 1 :]}" for at, letter in enumerate(host) if letter == ".")
        return not self._hosts.isdisjoint({host, *above})


def main() -> None:
    """Dagster's own command, with the application that it makes guarded."""
    import dagster_webserver.cli

    from huracan_resources.settings.settings import load_settings

    hosts = {*_OWN, *load_settings().web.allowed_hosts}
    # Dagster has no setting for this; its command looks the maker of its application up by this name.
    module: Any = dagster_webserver.cli
    make = module.create_app_from_workspace_process_context

    def guarded(*arguments: Any, **options: Any) -> ASGIApp:
        return AllowedHosts(make(*arguments, **options), hosts)

    module.create_app_from_workspace_process_context = guarded
    module.cli(auto_envvar_prefix="DAGSTER_WEBSERVER", prog_name="dagster-webserver")


if __name__ == "__main__":
    main()
