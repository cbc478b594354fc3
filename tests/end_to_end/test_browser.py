"""What a person sees in the browser after a night: the lineage, a partition, its plots, a passed check."""

import json
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.end_to_end.command import DAY, command
from tests.end_to_end.conftest import MakeHome
from tests.end_to_end.night import Night

if TYPE_CHECKING:
    from playwright.sync_api import Page

_FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
_WAIT_MS = 30_000


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Debian's chromium; the UI itself comes from the webserver, never from the network."""
    pytest.importorskip("playwright", reason="playwright is not installed")
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("no chromium: install the system's package to run the browser test")
    return found


@pytest.fixture(scope="module")
def url(chromium: str, make_home: MakeHome, after_first_night: Night) -> Iterator[str]:
    """A webserver over a copy of the home of the first night, on a free port: its daemon writes there."""
    home = make_home(after_first_night)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        command("up", "--port", str(port), "--json"),
        # Nobody says where partitions begin.
        env={name: value for name, value in home.environ.items() if not name.endswith("__FIRST_DAY")},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert server.stdout is not None
        told: dict[str, Any] = json.loads(server.stdout.readline())
        yield told["url"]
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)


@pytest.fixture(scope="module")
def page(chromium: str, url: str) -> Iterator["Page"]:
    del url  # the server first: the browser is closed before it stops
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=chromium, args=_FLAGS)
        opened = browser.new_page(viewport={"width": 1600, "height": 1000})
        opened.set_default_timeout(_WAIT_MS)
        yield opened
        browser.close()


def _open_partition(page: "Page", url: str, asset: str) -> None:
    page.goto(f"{url}/assets/{asset}?view=partitions&partition={DAY}")
    page.get_by_text("Latest materialization").first.wait_for()


def _width_of_plot(page: "Page", title: str) -> int:
    """Open the plot of a partition and give the pixels that the browser decoded; 0 if it shows nothing."""
    page.get_by_text("[Show Markdown]").first.click()
    image = page.locator(f"img[alt='{title}']").first
    image.wait_for()
    image.evaluate("picture => picture.decode()")
    return int(image.evaluate("picture => picture.naturalWidth"))


def _rows(page: "Page") -> list[str]:
    """The names of the metadata of a partition, as they stand below one another."""
    rows: list[str] = page.get_by_text("inputs", exact=True).first.evaluate(
        "cell => [...cell.closest('table').tBodies[0].rows].map(row => row.cells[0].innerText.trim())"
    )
    return rows


def test_the_lineage_shows_the_groups_and_their_assets(page: "Page", url: str) -> None:
    page.goto(f"{url}/asset-groups")
    page.get_by_text("market", exact=True).first.wait_for()
    for group in ("market", "learning", "shadow", "analysis", "gates", "brain"):
        assert page.get_by_text(group, exact=True).count() > 0, group
    page.goto(f"{url}/assets/features?view=lineage")
    for asset in ("ohlcv", "features", "regimes"):
        page.get_by_text(asset, exact=True).first.wait_for()


def test_a_materialised_partition_shows_its_rows_and_where_they_lie(page: "Page", url: str) -> None:
    _open_partition(page, url, "ohlcv")
    page.get_by_text("Materialized", exact=True).first.wait_for()
    page.get_by_text("2880", exact=True).first.wait_for()  # two symbols of 1440 minutes
    page.get_by_text(f"ohlcv/day={DAY}").first.wait_for()


def test_partitions_begin_where_the_data_of_the_home_begin(
    page: "Page", url: str, after_first_night: Night
) -> None:
    first = min((after_first_night.left / "lake" / "ohlcv").iterdir()).name.removeprefix("day=")
    page.goto(f"{url}/assets/ohlcv?view=partitions")
    page.get_by_text(first, exact=True).first.wait_for()
    assert page.get_by_text("2022-01-01").count() == 0


def test_a_description_is_text_and_no_block_of_code(page: "Page", url: str) -> None:
    page.goto(f"{url}/assets/ohlcv?view=overview")
    said = page.get_by_text("Closed candles of the UTC day").first
    said.wait_for()
    assert said.evaluate("shown => shown.closest('pre, code')") is None


def test_the_verdict_and_its_pictures_come_first_and_the_hashes_last(page: "Page", url: str) -> None:
    _open_partition(page, url, "brain_evaluation")
    page.get_by_text("held-out equity", exact=True).first.wait_for()
    rows = _rows(page)
    # It is the first night: there is no evidence to draw yet, and its page says so further down.
    assert rows[:4] == ["verdict", "in short", "held-out equity", "reasons"] and "evidence" in rows
    assert rows[-1] == "inputs" and not any("_" in row for row in rows if not row.startswith("dagster/"))
    assert _width_of_plot(page, "held-out equity") > 500


def test_the_price_with_its_regimes_is_really_drawn(page: "Page", url: str) -> None:
    _open_partition(page, url, "regimes")
    assert _width_of_plot(page, "price with regimes") > 500


def test_the_equity_curve_is_really_drawn(page: "Page", url: str) -> None:
    _open_partition(page, url, "shadow_trades")
    assert _width_of_plot(page, "equity curve") > 500


def test_a_passed_check_says_what_it_found(page: "Page", url: str) -> None:
    page.goto(f"{url}/assets/regimes?view=checks&checkDetail=regime_coverage")
    page.get_by_text("Every bar has its regime").first.wait_for()
    page.get_by_text("Passed", exact=True).first.wait_for()


def test_the_run_of_the_console_is_listed_as_a_run_of_its_job(page: "Page", url: str) -> None:
    page.goto(f"{url}/runs")
    page.get_by_text("publish", exact=True).first.wait_for()
    page.get_by_text("Success").first.wait_for()
