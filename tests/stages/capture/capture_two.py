"""Captures a microphone and what the machine plays until standard input closes; run by the tests as a program.

Usage: python -m tests.stages.capture.capture_two OUTPUT.npz
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np

from lipstream.config.schema import AudioConfig
from lipstream.pipeline import Graph, Packet, Port, Sink
from lipstream.pipeline.session import Session
from lipstream.stages.capture.microphone import Microphone
from lipstream.stages.capture.system_sound import SystemSound
from lipstream.stages.payloads import AudioBlock


class Kept(Sink):
    """Keeps two sounds."""

    inputs = {"one": Port(AudioBlock), "two": Port(AudioBlock)}  # noqa: RUF012 - as declared for a component

    def __init__(self) -> None:
        self.packets: dict[str, list[Packet[Any]]] = {"one": [], "two": []}

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Keep a block, and say once that both have come."""
        first = not all(self.packets.values())
        self.packets[port].append(packet)
        if first and all(self.packets.values()):
            print("ready", flush=True)


def main() -> None:
    kept, graph = Kept(), Graph()
    graph.add("audio", Microphone(AudioConfig(microphone="pulse")))
    graph.add("system", SystemSound(AudioConfig(system="lip.monitor")))
    graph.add("kept", kept, skew_limit=0)
    graph.connect("audio.audio", "kept.one")
    graph.connect("system.audio", "kept.two")
    session = Session(graph, lossless=False, media_time=False)
    session.start()
    threading.Thread(target=lambda: (sys.stdin.read(), session.stop()), daemon=True).start()
    session.wait()
    found: dict[str, np.ndarray] = {}
    for name, packets in kept.packets.items():
        found[name] = np.concatenate([packet.payload.samples for packet in packets])
        # The sample that each block begins with, and its time in ms: where blocks were lost, time goes on.
        lengths = [len(packet.payload.samples) for packet in packets]
        found[f"{name}_firsts"] = np.cumsum([0, *lengths[:-1]])
        found[f"{name}_times"] = np.array([packet.timestamp for packet in packets])
    np.savez(Path(sys.argv[1]), **found)


if __name__ == "__main__":
    main()
