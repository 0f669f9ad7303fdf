"""Live captions that watch the speaker's lips: the names a program that uses Lipstream needs.

`Pipeline`, the events it tells, the configuration and the errors. Who builds stages finds `Stage`, `Port`, `Packet` and
their like in `lipstream.pipeline`, what flows between the stages in `lipstream.stages.payloads`, networks in
`lipstream.models`.

Nothing is loaded before it is asked for: `import lipstream` costs nothing, and the command line answers at once.
"""

import os
import sys

# Not from typing, which is slow to load.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

    from lipstream.captions import Pipeline
    from lipstream.config import Config, load_config
    from lipstream.events import (
        Degraded,
        EmotionChanged,
        EmotionUpdate,
        End,
        Error,
        Event,
        FaceFeatures,
        FaceFound,
        FaceLost,
        FaceSeen,
        FacesLooked,
        LipActivity,
        Recording,
        Recovered,
        Remark,
        Revision,
        SoundEvent,
        SoundLevel,
        SpeakerChanged,
        SpeakerNamed,
        SpeakingProbability,
        SpeechEnded,
        SpeechStarted,
        SpeechUnclear,
        Stats,
        TranscriptCorrected,
        TranscriptFinal,
        TranscriptPartial,
        Word,
    )
    from lipstream.pipeline import (
        ConfigError,
        EventSink,
        GraphError,
        PipelineError,
        StageFailed,
        UserError,
    )
    from lipstream.push import PushSource
    from lipstream.version import __version__

__all__ = [
    "Config",
    "ConfigError",
    "Degraded",
    "EmotionChanged",
    "EmotionUpdate",
    "End",
    "Error",
    "Event",
    "EventSink",
    "FaceFeatures",
    "FaceFound",
    "FaceLost",
    "FaceSeen",
    "FacesLooked",
    "GraphError",
    "LipActivity",
    "Pipeline",
    "PipelineError",
    "PushSource",
    "Recording",
    "Recovered",
    "Remark",
    "Revision",
    "SoundEvent",
    "SoundLevel",
    "SpeakerChanged",
    "SpeakerNamed",
    "SpeakingProbability",
    "SpeechEnded",
    "SpeechStarted",
    "SpeechUnclear",
    "StageFailed",
    "Stats",
    "TranscriptCorrected",
    "TranscriptFinal",
    "TranscriptPartial",
    "UserError",
    "Word",
    "__version__",
    "load_config",
]

_ROOMS = ("commands", "configs", "models", "pipeline", "stages", "views", "web")
_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class _Beside:
    """Finds the rooms of a checkout, where they lie beside this folder and not, as when it is installed, in it.

    The folder above on `__path__` would do it too, but then everything in it had a second name: `lipstream.lipstream`.
    """

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> "ModuleSpec | None":
        """See `importlib.abc.MetaPathFinder`."""
        package, _, room = name.partition(".")
        if package != "lipstream" or room not in _ROOMS:
            return None
        from importlib.machinery import PathFinder

        return PathFinder.find_spec(name, [_ROOT])


if os.path.isfile(os.path.join(_ROOT, "pyproject.toml")) and os.path.isdir(os.path.join(_ROOT, "pipeline")):
    # Before all others: an editable installation of another checkout has a finder too.
    sys.meta_path.insert(0, _Beside)

_HOMES = ("version", "events", "pipeline", "config", "captions", "push")
"""Where the names are, whatever is quickest to load first."""

if not TYPE_CHECKING:
    # Type checkers would take it to mean that every name is there.
    def __getattr__(name: str) -> object:
        if name in __all__:
            from importlib import import_module

            for home in _HOMES:
                module = import_module(f"lipstream.{home}")
                if hasattr(module, name):
                    value = globals()[name] = getattr(module, name)
                    return value
        raise AttributeError(f"module 'lipstream' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
