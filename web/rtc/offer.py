"""A browser's offer (SDP), looked at before anything is done about it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from aiortc import RTCSessionDescription

MAX_OFFER_BYTES = 64 * 1024
_MAX_CANDIDATES = 64
_END = "a=end-of-candidates"
# a=candidate:<foundation> <component> <transport> <priority> <address> <port> typ <type> ...
_FIELDS = 8


class BadOffer(Exception):
    """An offer that cannot be answered; the message says why."""


def read_offer(body: Mapping[str, object]) -> RTCSessionDescription:
    """The offer in the body of a request, without the addresses that are not to be tried.

    Only host candidates given as addresses are kept: names (mDNS) would have to be asked for on the network, and a
    browser that may use the camera gives addresses.

    Raises:
        BadOffer: it is none, or is not one for at most one sound and one picture.
    """
    text = body.get("sdp")
    if body.get("type") != "offer" or not isinstance(text, str):
        raise BadOffer('expected {"type": "offer", "sdp": "..."} as a WebRTC connection makes it')
    if len(text) > MAX_OFFER_BYTES:
        raise BadOffer(f"the offer is longer than {MAX_OFFER_BYTES // 1024} kB")
    lines = text.splitlines()
    media = [line[2:].partition(" ")[0] for line in lines if line.startswith("m=")]
    if not media or len(set(media)) < len(media) or not set(media) <= {"audio", "video"}:
        raise BadOffer("expected an offer of one sound, one picture, or both")
    wanted = [line for line in lines if not line.startswith("a=candidate:") or _is_host(line)]
    candidates = sum(line.startswith("a=candidate:") for line in wanted)
    if candidates > _MAX_CANDIDATES:
        raise BadOffer(f"the offer has more than {_MAX_CANDIDATES} addresses")
    if not candidates:
        # With the word that no more will come, it would fail; without, the browser's own checks tell its address.
        wanted = [line for line in wanted if line != _END]
    return RTCSessionDescription(sdp="\r\n".join(wanted) + "\r\n", type="offer")


def _is_host(line: str) -> bool:
    fields = line.removeprefix("a=candidate:").split()
    if len(fields) < _FIELDS or fields[2].lower() != "udp" or fields[7] != "host":
        return False
    try:
        address = ipaddress.ip_address(fields[4])
    except ValueError:
        return False
    return not (address.is_multicast or address.is_unspecified)
