"""The page's question whether a profile may grow: asked once, answered on the server, taken back with one button."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.web_browser.fake_server import FakeServer
from tests.web_browser.steps import go_live

YES, NO = "Yes, learn my lips", "No"


def test_it_is_asked_once_and_a_yes_can_be_taken_back(page: Page, server: FakeServer):
    server.growing = {"answer": None, "minutes": 0.0, "made": False, "paused": False, "kept": False}
    page.goto(server.url)
    card = page.get_by_role("region", name="Learning your lips")
    expect(card).to_contain_text("It keeps no sound and no pictures")
    card.get_by_role("button", name=YES).click()
    expect(card).to_contain_text("Lipstream learns your lips.")
    assert server.growing["answer"] is True
    assert go_live(page, server, reload=False).own
    server.growing |= {"minutes": 3.2, "kept": True}
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(card.get_by_role("button", name=YES)).to_be_hidden()
    expect(card).to_contain_text("3.2 minutes of clear speech are kept.")
    card.get_by_role("button", name="Stop learning").click()
    expect(card).to_contain_text("Lipstream does not learn your lips.")
    assert server.growing["answer"] is False and server.growing["kept"]
    card.get_by_role("button", name="Stop and delete all of it").click()
    expect(card.get_by_role("button", name="Stop and delete all of it")).to_be_hidden()
    page.goto(server.url)
    expect(card.get_by_role("button", name=NO, exact=True)).to_be_hidden()
    expect(card.get_by_role("button", name="Learn my lips", exact=True)).to_be_visible()
    server.growing = None
    page.goto(server.url)
    expect(page.get_by_role("button", name="Start captions")).to_be_enabled()
    expect(card).to_be_hidden()
