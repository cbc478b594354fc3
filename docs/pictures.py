"""Makes the pictures of README and docs from a home with finished nights, as a browser shows its UI.

    HURACAN_HOME=DIRECTORY python docs/pictures.py [--day 2026-11-29] [--out docs]

Of the newest night with trades, or of `--day`: night.png (the verdict, its evidence, its reasons),
shadow_trades.png (the day on paper) and lineage.png. A plot that the UI opens at a click is laid open in its
row. The home is served by `huracan up` without its schedule, so no night begins meanwhile.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from huracan.errors import HuracanError, InvalidInput
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")
_COMMAND = (sys.executable, "-c", "from huracan_console.main import main; main()", "up")
_PANEL = "button:has([aria-label='panel_show_right']), button:has([aria-label='panel_show_left'])"
_WAIT_MS, _SETTLE_MS = 60_000, 1_500
PARTITIONS = {
    "night": ("brain_evaluation", "verdict", "in short", "held-out equity", "reasons"),
    "shadow_trades": ("shadow_trades", "in short", "equity curve", "checks", "wins and losses"),
}
"""Name of the picture -> the asset, and the rows that it must show."""
_LAID_OPEN = """link => {
    const picture = document.querySelector('.dagster-portal img');
    const shown = document.createElement('img');
    shown.src = picture.src;
    shown.style.maxWidth = '100%';
    link.replaceWith(shown);
    return shown.decode();
}"""

_ONLY_THE_GRAPH = "button, [class*=lider] { visibility: hidden } * { background-image: none !important }"
_AROUND_THE_GROUPS = """() => {
    const boxes = [...document.querySelectorAll('foreignObject')].map(each => each.getBoundingClientRect());
    const ends = name => boxes.map(box => box[name]);
    const left = Math.min(...ends('left')) - 16, top = Math.min(...ends('top')) - 16;
    const right = Math.max(...ends('right')) + 16, bottom = Math.max(...ends('bottom')) + 16;
    return {x: left, y: top, width: right - left, height: bottom - top};
}"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--day", type=date.fromisoformat, help="a night with trades; the newest if not given")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    arguments = parser.parse_args()
    try:
        first, day = find_nights(Resources(load_settings()), arguments.day)
        with open_browser() as browser, serve(first) as url:
            for name, (asset, *rows) in PARTITIONS.items():
                take_partition(browser, f"{url}/assets/{asset}", day, rows, arguments.out / f"{name}.png")
            take_lineage(browser, url, arguments.out / "lineage.png")
        for name in (*PARTITIONS, "lineage"):
            file = arguments.out / f"{name}.png"
            print(f"{file}: {file.stat().st_size / 1000:.0f} kB, night of {day}")
    except HuracanError as error:
        print(f"{error.what} {error.remedy}", file=sys.stderr)
        return 2
    return 0


def find_nights(resources: Resources, wanted: date | None) -> tuple[date, date]:
    """The first night of the home and the one to show: `wanted`, or the newest with trades and a verdict.

    `InvalidInput` where there is none.
    """
    lake = resources.lake
    nights = lake.days("shadow_trades")
    for day in [wanted] if wanted else reversed(nights):
        traded, judged = lake.manifest("shadow_trades", day), lake.manifest("brain_evaluation", day)
        if traded and judged and "data.parquet" in traded.files and "data.parquet" in judged.files:
            return nights[0], day
    asked = f" of {wanted}" if wanted else ""
    raise InvalidInput(
        f"{lake.store.url} has no finished night{asked} with trades and a verdict.",
        "Point HURACAN_HOME at a home with one; huracan nightly makes it.",
    )


@contextmanager
def open_browser() -> Iterator["Browser"]:
    """`InvalidInput` that says what is missing, where there is no browser or nothing to steer it by."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise InvalidInput(
            "playwright is not installed, by which the browser is steered.", "Run pip install playwright."
        ) from error
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        raise InvalidInput(
            "No browser was found: neither chromium, chromium-browser nor google-chrome is on the PATH.",
            "Install one, with apt-get install chromium or the like.",
        )
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=path, args=list(_FLAGS))
        yield browser
        browser.close()


@contextmanager
def serve(first_day: date) -> Iterator[str]:
    """The address of the home's UI, whose partitions begin on `first_day`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    only_looks = ("--set", "schedule.is_enabled=false", "--set", f"universe.first_day={first_day}")
    server = subprocess.Popen(
        [*_COMMAND, "--port", str(port), "--json", *only_looks],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert server.stdout is not None
        told = server.stdout.readline()
        if not told:
            raise InvalidInput(
                "huracan up did not start on this home.", "Run it by itself: it says what is wrong."
            )
        yield json.loads(told)["url"]
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)


def take_partition(browser: "Browser", address: str, day: date, rows: Sequence[str], file: Path) -> None:
    """The partition from its heading to the last of `rows`, its plot laid open."""
    page = _open_page(browser, f"{address}?view=partitions&partition={day}", width=1500, height=2400)
    link = page.get_by_text("[Show Markdown]").first
    link.click()
    page.locator(".dagster-portal img").first.wait_for()
    link.evaluate(_LAID_OPEN)
    page.get_by_role("button", name="Close").click()
    page.wait_for_timeout(_SETTLE_MS)
    metadata = page.locator("table", has=page.get_by_text("in short", exact=True)).last
    lines = [metadata.locator("> tbody > tr", has=page.get_by_text(row, exact=True)).first for row in rows]
    boxes = [line.bounding_box() for line in lines]
    heading = page.get_by_text(str(day), exact=True).last.bounding_box()
    assert heading is not None
    left, top = heading["x"] - 24, heading["y"] - 44
    right = max(box["x"] + box["width"] for box in boxes if box)
    bottom = max(box["y"] + box["height"] for box in boxes if box)
    clip = {"x": left, "y": top, "width": right - left + 24, "height": bottom - top}
    page.screenshot(path=file, clip=clip)  # type: ignore[arg-type]  # a dictionary typed by its keys
    page.close()


def take_lineage(browser: "Browser", url: str, file: Path) -> None:
    """All groups laid open."""
    page = _open_page(browser, f"{url}/asset-groups", width=1800, height=1080)
    page.keyboard.press("Alt+KeyE")
    page.wait_for_timeout(5 * _SETTLE_MS)  # the layout, then the state of each asset
    page.add_style_tag(content=_ONLY_THE_GRAPH)
    page.screenshot(path=file, clip=page.evaluate(_AROUND_THE_GROUPS))
    page.close()


def _open_page(browser: "Browser", address: str, *, width: int, height: int) -> "Page":
    """The page with its side panels folded away."""
    page = browser.new_page(viewport={"width": width, "height": height})
    page.add_init_script("localStorage.setItem('asset-graph-direction', JSON.stringify('vertical'))")
    page.set_default_timeout(_WAIT_MS)
    page.goto(address)
    page.get_by_text("Hide navigation").wait_for()
    page.wait_for_load_state("networkidle")
    for panel in reversed(page.locator(_PANEL).all()):
        panel.click()
        page.wait_for_timeout(_SETTLE_MS)
    return page


if __name__ == "__main__":
    sys.exit(main())
