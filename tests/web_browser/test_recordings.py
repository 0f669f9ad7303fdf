"""Recordings sent from the page."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.web_browser.fake_server import LIMITS, FakeServer
from tests.web_browser.steps import go_live, until

CHOOSE = "#file"


def recording(size: int = 1000, name: str = "talk & <b>more</b>.mp4") -> dict[str, object]:
    return {"name": name, "mimeType": "video/mp4", "buffer": bytes(size)}


def test_a_recording_is_sent_followed_and_its_report_linked(page: Page, server: FakeServer):
    server.file_states = [
        {"state": "waiting", "progress": None, "message": ""},
        {"state": "running", "progress": 0.42, "message": ""},
        {"state": "done", "progress": 1.0, "message": "", "formats": ["txt", "emotion.csv"]},
    ]
    page.goto(server.url)
    expect(page.locator("#upload-limits")).to_contain_text("At most 1 MB and 10 minutes.")
    page.set_input_files(CHOOSE, recording())
    line = page.locator("#uploads li")
    expect(line).to_contain_text("talk & <b>more</b>.mp4")
    expect(line).to_contain_text("captioning, 42 %")
    with page.expect_popup() as report:
        line.get_by_role("link", name="Open the report").click()
    expect(report.value.locator("h1")).to_contain_text("Report of talk")
    links = line.locator(".file-downloads a")
    expect(links).to_have_text(["txt", "emotion.csv"])
    address = links.last.get_attribute("href") or ""
    assert re.fullmatch(r"http://localhost:\d+/api/files/[\w-]+/captions/emotion\.csv", address)
    (file,) = server.files.values()
    line.get_by_role("button", name="Remove").click()
    until(page, lambda: not server.files)
    assert (file.name, file.size) == ("talk & <b>more</b>.mp4", 1000)


def test_whoever_has_switched_emotion_off_in_this_browser_sends_recordings_without(page: Page, server: FakeServer):
    """Regression: emotion was judged in them all the same."""
    server.file_states = [{"state": "done", "progress": 1.0, "message": "", "formats": ["txt"]}]
    go_live(page, server)
    page.locator("#emotion-switch").click()
    page.goto(server.url)
    page.set_input_files(CHOOSE, recording())
    until(page, lambda: [file.emotion for file in server.files.values()] == [False])


def test_what_cannot_be_captioned_says_why(page: Page, server: FakeServer):
    server.file_states = [{"state": "failed", "progress": None, "message": "There is no sound in it."}]
    page.goto(server.url)
    page.set_input_files(CHOOSE, recording())
    expect(page.locator("#uploads li")).to_contain_text("There is no sound in it.")
    page.get_by_role("button", name="Remove").click()
    expect(page.locator("#uploads li")).to_have_count(0)


def test_a_recording_over_the_limit_is_not_even_sent(page: Page, server: FakeServer):
    page.goto(server.url)
    expect(page.locator("#upload-limits")).to_contain_text("At most")
    page.set_input_files(CHOOSE, recording(LIMITS["max_bytes"] + 50_000))
    expect(page.locator("#uploads li")).to_contain_text("The file has 1.05 MB, and this server takes up to 1 MB.")
    page.set_input_files(CHOOSE, recording(0))
    expect(page.locator("#uploads li").first).to_contain_text("The file is empty.")
    assert not server.files


def test_cancelling_takes_it_from_the_server_too(page: Page, server: FakeServer):
    server.file_states = [{"state": "running", "progress": None, "message": ""}]
    page.goto(server.url)
    page.set_input_files(CHOOSE, recording())
    expect(page.locator("#uploads li")).to_contain_text("captioning")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#uploads li")).to_have_count(0)
    until(page, lambda: not server.files)


def test_a_recording_can_be_dropped_anywhere(page: Page, server: FakeServer):
    page.goto(server.url)
    until(page, lambda: page.evaluate("document.querySelector('#upload-limits').textContent.includes('At most')"))
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(10)], 'dropped.wav', { type: 'audio/wav' }));
          for (const kind of ['dragover', 'drop']) {
            document.querySelector('h1').dispatchEvent(
              new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
          }
        }"""
    )
    expect(page.locator("#uploads li")).to_contain_text("dropped.wav")
    expect(page.get_by_role("link", name="Open the report")).to_be_visible()
