"""Take the pictures of the web page for the documentation: the demo clip through a browser, with the real networks.

    python scripts/screenshots.py [--output docs/images]

Needs Chromium and the packages of the `dev` extra. Writes page.png, page-phone.png and captions.png.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from lipstream.models import assets
from tests.web_browser.conftest import ALLOW, DESKTOP, PHONE, launched
from tests.web_browser.fake_devices import fake_devices
from tests.web_browser.real_server import real_server

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
BEFORE, AFTER = 6.0, 1.0
"""Seconds of silence around the clip."""
LOOK = "international"
"""A word near the end of the longest sentence: when it is shown, the picture is taken."""
MOMENT_MS = 700
OVERLAY = {"width": 960, "height": 270}


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=IMAGES, help="folder for the pictures")
    folder: Path = parser.parse_args().output
    with tempfile.TemporaryDirectory() as media, sync_playwright() as driver, real_server("--max-sessions", "1") as url:
        devices = fake_devices(assets.resolve("media/obama_speech.mp4"), Path(media), BEFORE, AFTER)
        for name, size in (("page", DESKTOP), ("page-phone", PHONE)):
            # The clip plays once from the moment the devices are opened: each picture takes a browser of its own.
            with launched(driver, ALLOW, *devices.arguments) as browser:
                page = live_page(browser, url, size)
                captions = captions_page(browser, url) if name == "page" else None
                page.locator("#captions").get_by_text(LOOK).wait_for()
                page.wait_for_timeout(MOMENT_MS)
                take(page, folder / f"{name}.png")
                if captions:
                    take(captions, folder / "captions.png", transparent=True)
                # Makes room for the next one at once.
                page.get_by_role("button", name="Stop").click()
                page.locator("body[data-state=start]").wait_for()


def live_page(browser: Browser, url: str, size: dict[str, int]) -> Page:
    """The page with captions running."""
    context = browser.new_context(viewport=size, locale="en-GB", color_scheme="light")
    page = context.new_page()
    page.set_default_timeout(90_000)
    # No preview, which would begin the clip before anybody listens.
    page.add_init_script("navigator.permissions.query = async () => ({ state: 'prompt' })")
    page.goto(url)
    page.get_by_role("button", name="Start captions").click()
    page.locator("body[data-state=live]").wait_for()
    return page


def captions_page(browser: Browser, url: str) -> Page:
    """The page of captions alone."""
    page = browser.new_context(viewport=OVERLAY).new_page()
    page.goto(f"{url}captions?size=52&lines=2&emotion=1")
    return page


def take(page: Page, target: Path, transparent: bool = False) -> None:
    """Save what a page shows as a PNG, as small as it gets without loss."""
    page.screenshot(path=target, omit_background=transparent)
    with Image.open(target) as image:
        image.load()
    image.save(target, optimize=True)
    sys.stdout.write(f"{target}: {target.stat().st_size / 1000:.0f} kB\n")


if __name__ == "__main__":
    main()
