"""The page in Chromium through nginx: HTTPS, a path of its own, a session and its events."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from lipstream.web.address import Address
from lipstream.web.front import front_of
from tests.web.fakes import PATIENCE, Server, server
from tests.web.ops.certificate import certificate_in
from tests.web.ops.proxy import NEEDED, free_port, nginx

TOKEN = "a-long-enough-secret"

pytestmark = NEEDED


@pytest.fixture
def public(tmp_path: Path) -> Iterator[str]:
    """The public address of a server with scripted captions, which runs on a thread of its own."""
    certificate, key = certificate_in(tmp_path)
    port = free_port()
    address = f"https://127.0.0.1:{port}/lipstream"
    there: list[Server] = []
    ready, over = threading.Event(), threading.Event()

    async def serve() -> None:
        async with server(address=Address("127.0.0.1", 0, TOKEN, front=front_of(address, "127.0.0.1"))) as here:
            there.append(here)
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(PATIENCE)
    try:
        with nginx(tmp_path, port, f"127.0.0.1:{there[0].port}", certificate, key) as url:
            yield url
    finally:
        over.set()
        thread.join(PATIENCE)


def test_a_session_begins_and_its_captions_come(new_page: Callable[..., Page], public: str, complaints: list[str]):
    page = new_page(ignore_https_errors=True)
    page.goto(f"{public}/?token={TOKEN}")
    page.get_by_role("button", name="Start captions").click()
    expect(page.locator("body")).to_have_attribute("data-state", "live")
    # Chromium's own microphone beeps once a second.
    expect(page.locator("#captions .caption").last).to_contain_text("Beep")
    # The other page, by the cookie of the first.
    other = page.context.new_page()
    other.goto(f"{public}/captions")
    expect(other.locator(".caption").last).to_contain_text("Beep")
    page.get_by_role("link", name="Events").first.evaluate("link => link.removeAttribute('target')")
    assert page.get_by_role("link", name="Events").first.get_attribute("href") == "/lipstream/docs"
    assert [each for each in complaints if "404" in each or "403" in each] == []
