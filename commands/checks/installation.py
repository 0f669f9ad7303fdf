"""What `doctor` looks at. Each check returns findings; none raises because of what it finds."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

State = Literal["ok", "warning", "problem"]

DECODERS = ("h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "aac", "mp3", "opus", "vorbis", "flac", "pcm_s16le")
"""What phones, browsers and cameras record."""

_CV2 = ("opencv-python", "opencv-contrib-python", "opencv-python-headless", "opencv-contrib-python-headless")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        state: "warning" if Lipstream works without it.
        what: the thing and how it is, in one line.
        mend: what to do about it, in one line; empty if nothing.
    """

    state: State
    what: str
    mend: str = ""


def findings(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What a check finds; a package it cannot even import is a finding too."""
    try:
        yield from check()
    except (ImportError, OSError) as error:
        about = check.__name__.removeprefix("check_").replace("_", " ")
        yield Finding("problem", f"{about}: {' '.join(str(error).split())}", "make setup, or: pip install -e .")


def check_python() -> Iterator[Finding]:
    """The interpreter."""
    version = ".".join(map(str, sys.version_info[:3]))
    wanted, _ = _project()
    if version in wanted:
        yield Finding("ok", f"Python {version}")
    else:
        yield Finding(
            "problem", f"Python {version}, but {wanted} is needed", "install Python 3.12 and run `make setup`"
        )


def check_packages() -> Iterator[Finding]:
    """The packages Lipstream depends on, against the bounds it was tried with."""
    _, requirements = _project()
    for requirement in requirements:
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            yield Finding("problem", f"{requirement.name} is missing", f'pip install "{requirement}"')
            continue
        if requirement.specifier.contains(version, prereleases=True):
            yield Finding("ok", f"{requirement.name} {version}")
        else:
            what = f"{requirement.name} {version}, tried with {requirement.specifier}"
            yield Finding("problem", what, f'pip install "{requirement}"')
    yield from _check_cv2()


def check_models() -> Iterator[Finding]:
    """The network files."""
    from lipstream.models import assets

    count = Counter[str]()
    for status in assets.status():
        if status.name.startswith("media/"):
            continue
        count[status.state] += 1
        if status.state == "missing":
            yield Finding("problem", f"{status.name} is not on this machine yet", "lipstream models pull")
        elif status.state == "altered":
            mend = f"lipstream models pull --force {status.name}"
            yield Finding("problem", f"{status.path} is damaged", mend)
    if count["ready"]:
        yield Finding("ok", f"{count['ready']} model files, cache {assets.cache_dir()}")


def check_codecs() -> Iterator[Finding]:
    """What PyAV can decode."""
    import av

    missing = [name for name in DECODERS if not _can_decode(name)]
    if missing:
        mend = "pip install --force-reinstall --only-binary=av av"
        yield Finding("warning", f"no decoder for {', '.join(missing)}: such files cannot be read", mend)
    else:
        yield Finding("ok", f"decoders of PyAV {av.__version__}: {', '.join(DECODERS)}")


def check_speech() -> Iterator[Finding]:
    """The recogniser, run on a second of silence."""
    import numpy as np

    from lipstream.config import load_config
    from lipstream.models.errors import ModelError
    from lipstream.models.speech import recognisers
    from lipstream.models.speech.recogniser import Hints, Utterance
    from lipstream.pipeline import UserError
    from lipstream.stages.speech.readers import choose, make_reading

    sound = np.zeros(16_000, np.float32)
    for mode in ("live", "file"):
        config = load_config(mode)
        try:
            reader = make_reading(config, recognisers.listener(config.speech.threads)).final
            reader.load()
            # The first look makes what all later ones use.
            for _ in range(2):
                start = time.perf_counter()
                reader.recognise(Utterance(sound, 1.0), Hints(language="en"))
        except (ModelError, UserError) as error:
            yield Finding("problem", f"speech recognition, {mode}: {error}", "lipstream models pull")
        else:
            took = time.perf_counter() - start
            yield Finding(
                "ok", f"speech recognition, {mode} ({choose(config).final}), took {took:.2f} s for 1 s of silence"
            )


def check_face() -> Iterator[Finding]:
    """The face networks, run on an empty picture."""
    import numpy as np

    from lipstream.config import load_config
    from lipstream.models.errors import ModelError
    from lipstream.models.face import backend

    face = load_config("live").face
    networks = None
    try:
        networks = backend.create(face.backend, face.max_faces, face.min_confidence)
        networks.load()
        start = time.perf_counter()
        networks.detect(np.zeros((240, 320, 3), np.uint8), 0)
    except ModelError as error:
        yield Finding("problem", f"face tracking: {error}", "lipstream models pull, or use --no-video")
    else:
        yield Finding("ok", f"face tracking ({face.backend}) took {time.perf_counter() - start:.3f} s for a picture")
    finally:
        if networks is not None:
            networks.close()


def _project() -> tuple[SpecifierSet, list[Requirement]]:
    """The Python versions and packages the project asks for."""
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

    from lipstream.version import checkout

    project = checkout()
    if project is not None:
        return SpecifierSet(project["requires-python"]), [Requirement(text) for text in project["dependencies"]]
    distribution = metadata.distribution("lipstream")
    requirements = [Requirement(text) for text in distribution.requires or ()]
    wanted = [requirement for requirement in requirements if "extra" not in str(requirement.marker)]
    return SpecifierSet(distribution.metadata["Requires-Python"]), wanted


def _check_cv2() -> Iterator[Finding]:
    installed = []
    for name in _CV2:
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        installed.append(name)
    if len(installed) > 1:
        mend = f"pip uninstall -y {' '.join(installed)} && pip install opencv-contrib-python"
        yield Finding("warning", f"{len(installed)} packages share the module cv2: {', '.join(installed)}", mend)


def _can_decode(name: str) -> bool:
    import av

    try:
        av.Codec(name, "r")
    except ValueError:
        return False
    return True
