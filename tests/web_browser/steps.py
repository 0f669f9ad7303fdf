"""Steps that several tests take."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page

from lipstream.events import Revision, TranscriptFinal
from tests.web_browser.fake_server import PATIENCE, FakeServer, FakeSession

CORRECTED = TranscriptFinal(
    segment=1, start=0, end=2, text="I really enjoy it.", words=(), revised=(Revision(was="I, I", now="I"),)
)
"""A final that corrects what stood."""


def go_live(page: Page, server: FakeServer, *, reload: bool = True) -> FakeSession:
    """Open the page, start captions, and wait until the page listens; the session of the page."""
    if reload:
        page.goto(server.url)
    before = set(server.sessions)
    page.get_by_role("button", name="Start captions").click()
    # `expect` would look only twice a second by then.
    body = page.locator("body")
    until(page, lambda: body.get_attribute("data-state") == "live")
    (new,) = set(server.sessions) - before
    until(page, lambda: bool(server.sessions[new].sockets))
    return server.sessions[new]


def until(page: Page, true: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait for something that is not to be seen on the page, while the page goes on.

    Playwright's own `wait_for_function` needs `eval` in the page, which the content policy forbids.
    """
    for _ in range(round(seconds / 0.05)):
        if true():
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"it did not come to that within {seconds} s")
