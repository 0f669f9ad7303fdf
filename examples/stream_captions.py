"""Live captions from a server (lipstream serve), for sound that comes as 16-bit PCM at 16 kHz on standard input.

arecord -q -t raw -f S16_LE -r 16000 | python examples/stream_captions.py ws://127.0.0.1:8765/v1/stream

Where the server asks for its token: ws://127.0.0.1:8765/v1/stream?token=THE-TOKEN
"""

from __future__ import annotations

import json
import sys
import threading

from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect


def send(socket: ClientConnection) -> None:
    """Send the sound as it comes, a tenth of a second at a time, then say that this was all."""
    while block := sys.stdin.buffer.read(3200):
        socket.send(block)
    socket.send(json.dumps({"type": "end"}))


def reason(refused: InvalidStatus) -> str:
    """Why there are no captions, in the server's words; a proxy before it may answer without any."""
    answer = refused.response
    try:
        return str(json.loads(answer.body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"the server, or a proxy before it, answers {answer.status_code} {answer.reason_phrase}"


def main(url: str) -> None:
    with connect(url) as socket:
        threading.Thread(target=send, args=(socket,), daemon=True).start()
        for message in socket:
            event = json.loads(message)
            if event["event"] == "TranscriptPartial" and sys.stdout.isatty():
                print(f"\r\x1b[K\x1b[2m{(event['stable'] + event['unstable'])[-70:]}\x1b[0m", end="", flush=True)
            elif event["event"] == "TranscriptFinal":
                print(f"\r\x1b[K{event['text']}" if sys.stdout.isatty() else event["text"], flush=True)


if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv):
        print(__doc__)
        sys.exit()
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:8765/v1/stream")
    except InvalidStatus as refused:
        sys.exit(f"error: {reason(refused)}")
    except (OSError, WebSocketException) as error:
        sys.exit(f"error: {error}")
