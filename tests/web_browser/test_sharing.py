"""A tab or the screen with its sound, in place of camera and microphone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from lipstream.events import FaceSeen, TranscriptFinal
from tests.web_browser.fake_server import FakeServer
from tests.web_browser.steps import until

SHARE = "Caption a tab or the screen"

# A headless browser has no screen: what the fake camera and microphone give stands for what is shared.
_SHARED = """
MediaDevices.prototype.getDisplayMedia = async function (wanted) {
  globalThis.wanted = wanted;
  if (%s) throw new DOMException("Permission denied", "NotAllowedError");
  globalThis.shared = await this.getUserMedia({ audio: %s, video: true });
  return shared;
};
"""


def share(page: Page, server: FakeServer, refuse: str = "false", audio: str = "true") -> None:
    page.add_init_script(_SHARED % (refuse, audio))
    page.goto(server.url)
    page.get_by_role("button", name=SHARE).click()


def test_a_shared_tab_is_captioned_with_its_sound_and_not_mirrored(page: Page, server: FakeServer):
    share(page, server)
    expect(page.locator("body")).to_have_attribute("data-state", "live")
    (session,) = server.sessions.values()
    assert (session.audio, session.video, session.own) == (True, True, False)
    assert page.evaluate("wanted.audio.echoCancellation") is False
    expect(page.locator("#video")).not_to_have_class("mirrored")
    until(page, lambda: session.sockets)
    server.send(FaceSeen(face=1, time=1, box=(0.05, 0.2, 0.25, 0.8), lips=(), speaker=True, talking=True))
    until(page, lambda: page.evaluate(_LEFT))


# Whether the drawing is at the left, where the face is.
_LEFT = """() => {
  const canvas = document.querySelector('#overlay');
  const { data, width } = canvas.getContext('2d').getImageData(0, 0, canvas.width || 1, canvas.height || 1);
  const halves = [0, 0];
  for (let i = 3; i < data.length; i += 4) if (data[i]) halves[((i - 3) / 4) % width < width / 2 ? 0 : 1] += 1;
  return halves[0] > 100 && halves[1] === 0;
}"""


def test_the_microphone_can_be_heard_with_it(page: Page, server: FakeServer):
    page.add_init_script(_SHARED % ("false", "true"))
    page.goto(server.url)
    page.get_by_label("And my microphone").check()
    page.get_by_role("button", name=SHARE).click()
    expect(page.locator("body")).to_have_attribute("data-state", "live")
    tracks = "document.querySelector('#video').srcObject.getAudioTracks()"
    assert page.evaluate(f"{tracks}.length") == 1
    # One track that is neither of the two: their sum.
    assert page.evaluate(f"{tracks}[0] !== shared.getAudioTracks()[0]")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#start")).to_be_visible()
    assert page.evaluate("shared.getTracks().map(({ readyState }) => readyState)") == ["ended", "ended"]


def test_sharing_that_the_browser_ends_keeps_the_transcript_and_can_go_on(page: Page, server: FakeServer):
    share(page, server)
    expect(page.locator("body")).to_have_attribute("data-state", "live")
    until(page, lambda: server.listeners() == 1)
    server.send(TranscriptFinal(segment=1, start=0, end=1, text="Once.", words=()))
    expect(page.locator("#history li p")).to_have_text(["Once."])
    page.evaluate("shared.getAudioTracks()[0].dispatchEvent(new Event('ended'))")
    message = page.get_by_role("alert")
    expect(message).to_contain_text("Sharing has ended")
    expect(page.locator("#history li p")).to_have_text(["Once."])
    until(page, lambda: not server.sessions)
    message.get_by_role("button", name="Go on").click()
    expect(page.locator("body")).to_have_attribute("data-state", "live")
    assert len(server.sessions) == 1


@pytest.mark.parametrize(
    ("refuse", "audio", "expected"),
    [("true", "true", "Nothing was shared"), ("false", "false", "Also share audio")],
    ids=["refused", "without sound"],
)
def test_what_was_not_shared_is_said_with_what_to_do(
    page: Page, server: FakeServer, refuse: str, audio: str, expected: str
):
    share(page, server, refuse, audio)
    expect(page.get_by_role("alert")).to_contain_text(expected)
    expect(page.locator("#start")).to_be_visible()
    assert not server.sessions


def test_where_nothing_can_be_shared_nothing_is_offered(page: Page, server: FakeServer):
    page.add_init_script("delete MediaDevices.prototype.getDisplayMedia")
    page.goto(server.url)
    expect(page.get_by_role("button", name="Start captions")).to_be_visible()
    expect(page.get_by_role("button", name=SHARE)).to_be_hidden()
