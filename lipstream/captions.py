"""`Pipeline`: captions, live or from a file, as a program holds them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Self

from lipstream.config import Config, load_config
from lipstream.pipeline.errors import ConfigError
from lipstream.pipeline.graph import Graph
from lipstream.pipeline.session import Session

if TYPE_CHECKING:
    from lipstream.push import PushSource

Build = Callable[[Config], Graph]


class Pipeline(Session):
    """One run of captions, live or from a file, and the events it tells.

        live = Pipeline.from_config("live")

        @live.on(TranscriptFinal)
        def caption(event):
            print(event.start, event.text)

        live.run()

    The constructor loads nothing and opens nothing; `start` (or `run`, or entering the context) does. A pipeline runs
    once. Stages of one's own go into `graph` before the start.

    Args:
        config: the configuration.
        build: makes the graph from the configuration; by default the captions graph, `lipstream.stages.build`.
        trace: file for a Chrome trace of the run, or None.
        source: where sound and pictures come from, in place of what the configuration names; not with `build`.

    Raises:
        UserError: nothing of the source is wanted by the configuration.
        PipelineError: the source has a run already.
    """

    def __init__(
        self,
        config: Config,
        build: Build | None = None,
        trace: os.PathLike[str] | None = None,
        source: PushSource | None = None,
    ) -> None:
        if source is not None and build is not None:
            raise ValueError("expected build or source, got both: what builds the graph chooses its sources")
        self.config = config
        super().__init__(
            _pushed_graph(config, source) if source is not None else (build or _captions_graph)(config),
            lossless=config.lossless,
            media_time=config.media_time,
            stats_interval=config.events.stats_interval,
            hook_limit=config.events.hook_limit,
            trace=trace,
        )

    @classmethod
    def from_config(
        cls,
        name_or_path: str | os.PathLike[str],
        *,
        build: Build | None = None,
        trace: os.PathLike[str] | None = None,
        source: PushSource | None = None,
        **overrides: object,
    ) -> Self:
        """Make a pipeline from a configuration.

        Args:
            name_or_path: a name in configs/ or the path of a YAML file.
            build: see the class.
            trace: see the class.
            source: see the class.
            overrides: keys to replace, such as `input="talk.mp4"`, `vad={"threshold": 0.6}` or
                `**{"vad.threshold": 0.6}`.

        Raises:
            ConfigError: the configuration is wrong; the message names the key, the value and what is allowed.
        """
        config = load_config(name_or_path, overrides)
        if config.mode == "live" and overrides.get("input") is not None:
            # Camera and microphone would be opened in its place.
            raise ConfigError(
                f"'input': a live run takes camera and microphone, and not '{overrides['input']}'; for a recording it "
                f'is Pipeline.from_config("file", input=...)'
            )
        return cls(config, build, trace, source)

    @classmethod
    async def afrom_config(
        cls,
        name_or_path: str | os.PathLike[str],
        *,
        build: Build | None = None,
        trace: os.PathLike[str] | None = None,
        source: PushSource | None = None,
        **overrides: object,
    ) -> Self:
        """`from_config` for asyncio: the event loop goes on while libraries are loaded and a file is looked into.

        The start does not hold the loop up either: networks are loaded on the run's own threads. Of a run's end
        `aevents` tells; `astop` asks for it.
        """
        given = {"build": build, "trace": trace, "source": source}
        import asyncio  # Here, because it loads slowly, and most programs have no use for it.

        return await asyncio.to_thread(lambda: cls.from_config(name_or_path, **given, **overrides))  # type: ignore[arg-type]

    def expect(self, terms: Iterable[str]) -> None:
        """Tell the recognisers which words and phrases to expect, such as names; in place of those so far.

        From any thread, before the run or during it; what is read from then on leans towards them.

        Raises:
            UserError: a term cannot be used, or they are too many; the message says which and why.
        """
        from lipstream.stages.speech.readers import expect

        expect(self.graph, terms)

    def rename(self, speaker: int, name: str | None) -> None:
        """Give a speaker a name, or take it back; it holds in the outputs for what was said before, too.

        From any thread, before the run or during it. `SpeakerNamed` tells of it once it holds. Nothing is kept beyond
        the run.

        Args:
            speaker: as in `TranscriptFinal.speaker`.
            name: what to call them; None for nothing but the number.

        Raises:
            UserError: it cannot be a name, or no speakers are told apart in this run.
        """
        from lipstream.stages.speaker.naming import rename

        rename(self.graph, speaker, name)


def _pushed_graph(config: Config, source: PushSource) -> Graph:
    from lipstream.stages.build import connect

    return connect(config, *source.sources(config))


def _captions_graph(config: Config) -> Graph:
    # Late, for the networks' libraries are slow to load, and a program may want no more than the events.
    from lipstream.stages.build import build

    return build(config)
