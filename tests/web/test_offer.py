"""Offers are looked at before anything is done about them."""

from __future__ import annotations

import pytest

from lipstream.web.rtc.offer import MAX_OFFER_BYTES, BadOffer, read_offer

HEAD = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
SOUND = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
PICTURE = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n"
DATA = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
END = "a=end-of-candidates\r\n"


def candidate(address: str, kind: str = "host", transport: str = "udp") -> str:
    return f"a=candidate:1 1 {transport} 2130706431 {address} 50000 typ {kind}\r\n"


def read(sdp: str) -> str:
    return read_offer({"type": "offer", "sdp": sdp}).sdp


@pytest.mark.parametrize("sdp", [HEAD + SOUND, HEAD + PICTURE, HEAD + SOUND + PICTURE])
def test_one_sound_one_picture_or_both(sdp: str):
    assert read(sdp) == sdp


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": "offer"},
        {"type": "offer", "sdp": 7},
        {"type": "answer", "sdp": HEAD + SOUND},
        {"type": "offer", "sdp": ""},
        {"type": "offer", "sdp": HEAD + SOUND + SOUND},
        {"type": "offer", "sdp": HEAD + SOUND + DATA},
        {"type": "offer", "sdp": HEAD + SOUND + "x" * MAX_OFFER_BYTES},
        {"type": "offer", "sdp": HEAD + SOUND + candidate("192.0.2.1") * 65},
    ],
)
def test_anything_else_is_refused(body: dict[str, object]):
    with pytest.raises(BadOffer):
        read_offer(body)


def test_only_addresses_of_the_browser_itself_are_kept():
    kept = candidate("192.0.2.1") + candidate("127.0.0.1") + candidate("fd00::1")
    left_out = (
        candidate("203.0.113.9", "srflx") + candidate("203.0.113.9", "relay") + candidate("192.0.2.1", transport="tcp")
        + candidate("1b2c.local") + candidate("224.0.0.251") + candidate("0.0.0.0") + "a=candidate:1 1 udp\r\n"
    )  # fmt: skip
    assert read(HEAD + SOUND + left_out + kept + END) == HEAD + SOUND + kept + END


def test_where_no_address_is_left_the_browser_may_still_come_by_itself():
    assert read(HEAD + SOUND + candidate("1b2c.local") + END) == HEAD + SOUND
