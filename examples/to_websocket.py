"""Push every event, as JSON, to a WebSocket server.

python examples/to_websocket.py ws://localhost:9000 [FILE]      needs: pip install websockets
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from lipstream import Pipeline
from lipstream.pipeline import UserError

try:
    from websockets.asyncio.client import connect
    from websockets.exceptions import WebSocketException
except ImportError:
    sys.exit("error: this example needs a WebSocket client: pip install 'websockets>=14'")


async def push(run: Pipeline, url: str) -> None:
    async with connect(url) as socket:
        # Nothing runs before somebody listens: the first event asked for starts the pipeline.
        async for event in run.aevents():
            await socket.send(json.dumps(event.to_dict(), ensure_ascii=False))


def main() -> None:
    parser = argparse.ArgumentParser(description="Push events to a WebSocket server.")
    parser.add_argument("url", help="ws://... or wss://...")
    parser.add_argument("file", nargs="?", help="a recording (default: microphone and camera)")
    args = parser.parse_args()
    run = Pipeline.from_config("file", input=args.file) if args.file else Pipeline.from_config("live")
    try:
        asyncio.run(push(run, args.url))
        run.wait()  # raises what the run failed of
    except (OSError, WebSocketException) as error:
        sys.exit(f"error: {args.url}: {error}")
    finally:
        run.stop()


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        pass
