"""What the recordings of a batch have in common, and what their outputs depend on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path

from lipstream.commands.batch.recording import Recording
from lipstream.commands.batch.rows import Made
from lipstream.config import Config, load_config
from lipstream.pipeline import UserError
from lipstream.plugins import ENGINES, STAGES

OUTPUTS = 1
"""Raised when the same recording, configuration and networks give other outputs."""
_GLIMPSE = 1 << 16


@dataclass(frozen=True)
class Settings:
    """How recordings are to be captioned.

    Attributes:
        config: of all; a list may choose another language or profile for some.
        formats: output formats.
        vtt_emotion: mark the cues of VTT with emotions.
    """

    config: Config
    formats: Sequence[str]
    vtt_emotion: bool = False

    def config_of(self, recording: Recording) -> Config:
        """The configuration of one recording.

        Raises:
            UserError: its list asks for what is not allowed.
        """
        return self._config(recording.language, recording.profile)

    def made_of(self, recording: Recording) -> Made:
        """What the outputs of a recording depend on besides its content.

        Raises:
            UserError: as `config_of`.
        """
        chosen = (recording.language, recording.profile)
        if chosen not in self._made:
            config = self.config_of(recording)
            shown = config.model_dump(mode="json", exclude={"input"})
            told = json.dumps([shown, sorted(self.formats), self.vtt_emotion], sort_keys=True)
            self._made[chosen] = Made(_short(told.encode()), _models(config), OUTPUTS)
        return self._made[chosen]

    def __getstate__(self) -> dict[str, object]:
        """Without the hashes: another machine finds out for itself what networks it has."""
        return {key: value for key, value in vars(self).items() if key != "_made"}

    @cached_property
    def _made(self) -> dict[tuple[str | None, str | None], Made]:
        return {}

    def _config(self, language: str | None, profile: str | None) -> Config:
        if language is None and profile is None:
            return self.config
        shown = self.config.model_dump()
        if language is not None:
            shown["speech"]["language"] = language
        if profile is not None:
            shown["fusion"]["profile"] = profile
        return _validated(shown)


def _validated(shown: dict[str, object]) -> Config:
    from pydantic import ValidationError

    from lipstream.config.explain import explain

    try:
        return Config.model_validate(shown)
    except ValidationError as error:
        raise UserError(explain(error, shown)) from None


def settings_of(
    config: str, overrides: dict[str, object], formats: Sequence[str], vtt_emotion: bool = False
) -> Settings:
    """Settings for a batch, in which each recording keeps to one core: there are others for the other cores.

    Args:
        config: name or path of the configuration.
        overrides: settings that replace those of the configuration.
        formats: output formats.
        vtt_emotion: mark the cues of VTT with emotions.

    Raises:
        ConfigError: the configuration is wrong.
    """
    one_core = {"face.threads": 1, "speech.threads": 1, "mode": "file", "pace": "max", "input": os.devnull}
    return Settings(load_config(config, {**one_core, **overrides}), formats, vtt_emotion)


def _models(config: Config) -> str:
    """Hash of all networks that the configuration may use: what ships, what is fetched, and what is the user's own."""
    digest = hashlib.sha256()
    for path in _shipped():
        digest.update(path.read_bytes())
    for path in _own(config):
        digest.update(_glimpse(path))
    used = [(ENGINES, config.speech.engine), *((STAGES, each.stage) for each in config.stages.values() if each.enabled)]
    for kind, name in used:
        if name != "auto" and (plugin := kind.find(name)) is not None:
            digest.update(f"{plugin.name} {plugin.distribution}\n".encode())
    return digest.hexdigest()[:16]


def _shipped() -> Iterator[Path]:
    import lipstream.models

    folder = Path(next(iter(lipstream.models.__path__)))
    yield folder / "assets" / "manifest.yaml"  # Names what is fetched by its hash.
    yield from sorted(folder.rglob("*.safetensors"))
    yield from sorted(folder.rglob("*.onnx"))


def _own(config: Config) -> Iterator[Path]:
    if config.fusion.profile is not None:
        # Here, because it loads torch.
        from lipstream.models.profile_files import profile_path

        if (path := profile_path(config.fusion.profile)).is_file():
            yield path
    if config.speech.model and (folder := Path(config.speech.model)).exists():
        yield from sorted(path for path in ([folder] if folder.is_file() else folder.rglob("*")) if path.is_file())
    if config.speech.terms_file is not None and config.speech.terms_file.is_file():
        yield config.speech.terms_file


def _glimpse(path: Path) -> bytes:
    """What tells a file from others on every machine that has a copy, without reading gigabytes."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_GLIMPSE)
        file.seek(max(0, size - _GLIMPSE))
        return hashlib.sha256(f"{path.name} {size}\n".encode() + head + file.read()).digest()


def versions() -> dict[str, str]:
    """Versions of the programs that make outputs, by name."""
    import platform

    from lipstream.version import version

    found = {"lipstream": version(), "python": platform.python_version()}
    for name in ("ray", "onnxruntime", "av"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
