"""What the page says and does when something is refused, missing, taken or lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Playwright, expect

from lipstream.events import FaceSeen, TranscriptFinal, TranscriptPartial
from lipstream.pipeline import Degraded
from tests.web_browser.conftest import FAKE_DEVICES, launched
from tests.web_browser.fake_server import FakeServer
from tests.web_browser.steps import go_live, until

BEGIN = "Start captions"


def test_a_refused_permission_says_how_to_allow_it(
    driver: Playwright, new_page: Callable[..., Page], server: FakeServer
):
    with launched(driver, FAKE_DEVICES, "--use-fake-ui-for-media-stream=deny") as refusing:
        page = new_page(refusing)
        page.goto(server.url)
        page.get_by_role("button", name=BEGIN).click()
        message = page.get_by_role("alert")
        expect(message).to_contain_text("Camera or microphone is not allowed")
        expect(message).to_contain_text("beside the address")
        expect(message.get_by_role("button", name="Try again")).to_be_visible()
        expect(page.get_by_role("button", name=BEGIN)).to_be_enabled()
        assert not server.sessions
        page.context.close()


# Chromium's fake devices never fail, so its answers to a page are what is faked.
_OPENING = """
const open = MediaDevices.prototype.getUserMedia;
MediaDevices.prototype.getUserMedia = function (wanted) {
  if (%s) throw new DOMException("%s", "%s");
  return open.call(this, wanted);
};
"""


@pytest.mark.parametrize(
    ("fails", "name", "text", "expected"),
    [
        ("true", "NotFoundError", "Requested device not found", "No camera or microphone was found"),
        ("true", "NotReadableError", "Could not start video source", "Another program may be using it"),
        ("true", "NotAllowedError", "Permission denied by system", "system's privacy settings"),
        ("wanted.video", "NotReadableError", "Could not start video source", "The camera cannot be opened, going on"),
        ("wanted.video", "NotFoundError", "Requested device not found", "No camera was found, going on with sound"),
        ("wanted.audio", "NotFoundError", "Requested device not found", "No microphone was found"),
    ],
)
def test_devices_that_are_missing_or_taken(
    page: Page, server: FakeServer, fails: str, name: str, text: str, expected: str
):
    page.add_init_script(_OPENING % (fails, text, name))
    page.goto(server.url)
    expect(page.get_by_role("alert")).to_contain_text(expected)
    if fails == "wanted.video":
        # It is no hindrance: captions start with what there is.
        page.get_by_role("button", name=BEGIN).click()
        expect(page.locator("body")).to_have_attribute("data-state", "live")
        expect(page.get_by_role("alert")).to_contain_text(expected)
        (session,) = server.sessions.values()
        assert (session.audio, session.video) == (True, False)


def test_a_session_without_a_microphone_promises_neither_captions_nor_sound(page: Page, server: FakeServer):
    page.add_init_script(_OPENING % ("wanted.audio", "Requested device not found", "NotFoundError"))
    page.goto(server.url)
    expect(page.get_by_role("alert")).to_contain_text("No microphone was found")
    go_live(page, server, reload=False)
    expect(page.locator("#captions")).to_have_text("There is no microphone, so there are no captions.")
    server.send(Degraded(modality="video", stage="video", reason="the picture has not changed for 2 s"))
    expect(page.locator("#warnings li")).to_have_text("The picture has not changed for 2 s.")


def test_a_chosen_device_that_has_gone_gives_way_to_another(page: Page, server: FakeServer):
    page.add_init_script(_OPENING % ("wanted.video?.deviceId", "", "OverconstrainedError"))
    page.goto(server.url)
    page.get_by_label("Camera", exact=True).dispatch_event("change")
    until(page, lambda: page.evaluate("document.querySelector('#preview').videoWidth > 0"))
    expect(page.get_by_role("alert")).to_be_hidden()


def test_a_device_that_is_unplugged_and_comes_back(page: Page, server: FakeServer):
    go_live(page, server)
    page.evaluate("document.querySelector('#video').srcObject.getVideoTracks()[0].dispatchEvent(new Event('ended'))")
    expect(page.get_by_role("alert")).to_contain_text("A device was unplugged")
    page.evaluate("navigator.mediaDevices.dispatchEvent(new Event('devicechange'))")
    expect(page.get_by_role("alert")).to_be_hidden()
    kinds = page.evaluate("document.querySelector('#video').srcObject.getTracks().map((t) => t.kind + t.readyState)")
    assert sorted(kinds) == ["audiolive", "videolive"]


def test_an_address_that_may_not_use_devices_says_which_may(page: Page, server: FakeServer):
    page.add_init_script("Object.defineProperty(globalThis, 'isSecureContext', { value: false })")
    page.goto(server.url)
    expect(page.get_by_role("alert")).to_contain_text("http://localhost")
    expect(page.get_by_role("alert")).to_contain_text("--certfile")
    expect(page.get_by_role("button", name=BEGIN)).to_be_disabled()
    # Recordings need no device.
    expect(page.get_by_text("Choose a file")).to_be_visible()


def test_a_second_tab_beyond_the_limit_is_told_that_the_server_is_busy(
    new_page: Callable[..., Page], server: FakeServer
):
    server.max_sessions = 1
    first, second = new_page(), new_page()
    go_live(first, server)
    second.goto(server.url)
    second.get_by_role("button", name=BEGIN).click()
    expect(second.get_by_role("alert")).to_contain_text("The server is busy")
    expect(second.get_by_role("alert")).to_contain_text("All places are taken")
    expect(second.locator("#start")).to_be_visible()
    first.get_by_role("button", name="Stop").click()
    until(first, lambda: not server.sessions)
    second.get_by_role("button", name="Try again").click()
    expect(second.locator("body")).to_have_attribute("data-state", "live")


def test_a_wrong_token_says_where_the_right_one_is(page: Page, server: FakeServer):
    page.goto(server.url)
    server.refusal = (401, {"error": "token", "message": "wrong token"})
    page.get_by_role("button", name=BEGIN).click()
    expect(page.get_by_role("alert")).to_contain_text("?token=")


def test_a_server_that_does_not_answer_is_said_so(page: Page, server: FakeServer):
    page.goto(server.url)
    server.stop()
    page.get_by_role("button", name=BEGIN).click()
    expect(page.get_by_role("alert")).to_contain_text("lipstream serve")
    server.start()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("body")).to_have_attribute("data-state", "live")


def test_a_server_killed_and_restarted_the_page_goes_on_and_keeps_its_captions(page: Page, server: FakeServer):
    go_live(page, server)
    page.get_by_role("button", name="Lips").click()
    server.send(
        TranscriptFinal(segment=1, start=0, end=2, text="Before.", words=()),
        TranscriptPartial(segment=2, start=3, end=4, stable="Half a", unstable=" sentence"),
    )
    expect(page.locator("#captions .caption")).to_have_text(["Before.", "Half a sentence"])
    server.stop()
    expect(page.locator("#status")).to_have_text("Connection lost, trying again")
    # What was half said is not lost either.
    expect(page.locator("#history li p")).to_have_text(["Before.", "Half a sentence …"])
    server.start()
    expect(page.locator("body")).to_have_attribute("data-state", "live")
    until(page, lambda: server.listeners() == 1)
    server.send(TranscriptFinal(segment=1, start=0, end=2, text="After.", words=()))
    expect(page.locator("#captions .caption")).to_have_text(["Before.", "Half a sentence …", "After."])
    # What the user had switched off is off in the new session too.
    (session,) = server.sessions.values()
    until(page, lambda: session.switches == {"lips": False})


def test_a_server_that_stays_away_is_said_so_and_can_be_asked_at_once(page: Page, server: FakeServer):
    page.add_init_script(_PACED)
    go_live(page, server)
    page.evaluate("pace = 0.1")
    server.stop()
    expect(page.get_by_role("alert")).to_contain_text("This page keeps trying")
    page.evaluate("pace = 1000")
    until(page, lambda: page.evaluate("waiting"))
    server.start()
    page.get_by_role("button", name="Try now").click()
    expect(page.locator("body")).to_have_attribute("data-state", "live")
    expect(page.get_by_role("alert")).to_be_hidden()


# Waits are as long as the test wants them; `waiting` once one between attempts will not end by itself.
_PACED = """
globalThis.pace = 1;
globalThis.waiting = false;
const wait = setTimeout;
globalThis.setTimeout = (act, ms = 0, ...rest) => {
  waiting ||= pace > 1 && ms > 5000;
  return wait(act, ms * pace, ...rest);
};
"""


def test_while_the_networks_load_the_page_says_to_wait(page: Page, server: FakeServer):
    server.greeting = "loading"
    page.goto(server.url)
    page.get_by_role("button", name=BEGIN).click()
    expect(page.locator("#status")).to_have_text("Loading the networks")
    expect(page.locator("#captions")).to_contain_text("wait before you speak")
    until(page, lambda: server.listeners() == 1)
    server.send({"event": "Running", "session": next(iter(server.sessions))})
    expect(page.locator("#status")).to_have_text("Live")
    expect(page.locator("#captions")).to_contain_text("Speak")


def test_events_that_are_unknown_or_no_json_are_passed_over(page: Page, server: FakeServer):
    go_live(page, server)
    server.send(
        {"event": "FromTheFuture", "field": 1},
        {"no": "event"},
        FaceSeen(face=1, time=0, box=(0, 0, 1, 1), lips=(), speaker=False, talking=False),
        TranscriptFinal(segment=1, start=0, end=2, text="Still here.", words=()),
    )
    expect(page.locator("#captions .caption")).to_have_text("Still here.")
