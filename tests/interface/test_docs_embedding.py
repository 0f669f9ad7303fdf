"""The page on Lipstream in a program does what it says."""

from __future__ import annotations

import asyncio
import re
import threading
from pathlib import Path
from typing import Any

import pytest

from lipstream import End, Pipeline, PushSource, TranscriptFinal
from lipstream.models import shared
from tests.commands.fakes import Captions

PAGE = Path(__file__).parents[2] / "docs" / "embedding.md"


@pytest.mark.media
def test_every_block_of_the_page_runs_and_the_networks_are_loaded_once(monkeypatch: pytest.MonkeyPatch):
    loaded: list[object] = []
    keep = shared.shared

    def counted(key, load):
        return keep(key, lambda: (loaded.append(key), load())[1])

    for module in ("speech.moonshine", "speech.vad", "speech.whisper.recogniser", "av_speech.general_fusion"):
        monkeypatch.setattr(f"lipstream.models.{module}.shared", counted)
    shared.release_networks()
    names: dict[str, Any] = {"__name__": "embedding"}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), names)
    assert names["captions"] == names["seen"] == []
    assert asyncio.run(names["main"]()) == []
    assert loaded and len(loaded) == len(set(loaded))
    held = dict(shared._networks)
    assert set(loaded) <= set(held)
    # Two at once, while a third is open.
    runs = [(source := PushSource(), Pipeline.from_config("live", source=source)) for _ in range(2)]
    for _, run in runs:
        run.start()
    for source, run in runs:
        source.end()
        assert run.wait(60)
    assert {key: shared._networks[key] for key in held} == held
    assert len(loaded) == len(set(loaded))


@pytest.fixture
def captions(monkeypatch: pytest.MonkeyPatch) -> Captions:
    fake = Captions()
    monkeypatch.setattr("lipstream.captions._captions_graph", fake.build)
    return fake


def test_the_event_loop_goes_on_while_a_pipeline_is_made(captions: Captions, monkeypatch: pytest.MonkeyPatch):
    """The graph is made on another thread; it waits here until the event loop has done something else."""
    went_on = threading.Event()
    build = captions.build

    def waits(config):
        assert went_on.wait(60) and threading.current_thread() is not threading.main_thread()
        return build(config)

    monkeypatch.setattr("lipstream.captions._captions_graph", waits)

    async def scenario() -> list[str]:
        making = asyncio.ensure_future(Pipeline.afrom_config("file", input="talk.mp4"))
        await asyncio.sleep(0)
        went_on.set()
        async with await making as run:
            return [event.text async for event in run.aevents(TranscriptFinal)]

    assert asyncio.run(scenario()) == ["Hello there."]
    assert str(captions.configs[0].input) == "talk.mp4"


def test_leaving_the_block_stops_the_run_without_holding_the_loop_up(captions: Captions):
    go, entered = threading.Event(), threading.Event()
    captions.steps = [lambda: entered.set() or go.wait(60)]

    async def scenario() -> Pipeline:
        async with await Pipeline.afrom_config("file", input="talk.mp4") as run:
            await asyncio.to_thread(entered.wait, 60)
            # The loop has to go on for the run to be let go of while it is stopped.
            asyncio.get_running_loop().call_later(0.05, go.set)
        return run

    run = asyncio.run(scenario())
    assert run.wait(60) and [type(event) for event in run.events()][-1] is End
