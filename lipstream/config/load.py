"""Reading configurations: a name in configs/ or a path, then overrides, then validation."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from lipstream.config.explain import explain, section_model
from lipstream.config.schema import Config
from lipstream.pipeline.errors import ConfigError
from lipstream.suggest import did_you_mean

_SECTIONS = frozenset(key for key in Config.model_fields if section_model([key]) is not None)


def names() -> list[str]:
    """Names of the configurations that ship with the package."""
    files = resources.files("lipstream.configs").iterdir()
    return sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml"))


def load_config(
    name_or_path: str | os.PathLike[str], overrides: Mapping[str, Any] | None = None, preset: str | None = None
) -> Config:
    """Read a configuration.

    What a file of one's own does not say is as in the configuration that ships for its mode, "live" or "file".

    Args:
        name_or_path: a name in configs/ ("live"), or the path of a YAML file.
        overrides: keys to replace; a key is dotted ("vad.threshold") or a section with a mapping of its keys, which
            are taken as they stand.
        preset: "live" or "file": what the configuration, be it one that ships, does not say is as in that one.

    Raises:
        ConfigError: no such file, not YAML, an unknown key or a bad value; the message names the key, the value and
            what is allowed.
    """
    merged = _read(name_or_path)
    if preset is None and os.fspath(name_or_path) not in names():
        preset = (overrides or {}).get("mode", merged.get("mode", "live"))
    if preset in ("file", "live"):
        merged = _over(_read(preset), merged)
    for key, value in (overrides or {}).items():
        _assign(merged, key, value)
    # An empty section, or one whose keys are all commented out, is null in YAML.
    filled = {key: {} if value is None and key in _SECTIONS else value for key, value in merged.items()}
    try:
        return Config.model_validate(filled)
    except ValidationError as error:
        raise ConfigError(explain(error, filled)) from None


def changed(config: Config, settings: Mapping[str, Any]) -> Config:
    """A configuration with some keys replaced.

    Args:
        config: the configuration.
        settings: by dotted key, as for `load_config`.

    Raises:
        ConfigError: an unknown key or a bad value; the message names the key, the value and what is allowed.
    """
    data = config.model_dump()
    for key, value in settings.items():
        _assign(data, key, value)
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        raise ConfigError(explain(error, data)) from None


def parse_assignment(text: str) -> tuple[str, Any]:
    """Split `a.b=value`; the value is read as YAML, so that numbers, true, null and lists work.

    Raises:
        ConfigError: there is no "=" or no key.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"'{text}' is no setting, expected KEY=VALUE such as vad.threshold=0.6")
    try:
        return key.strip(), yaml.safe_load(value)
    except yaml.YAMLError:
        return key.strip(), value


def to_yaml(config: Config) -> str:
    """The whole configuration as YAML."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)


def _read(name_or_path: str | os.PathLike[str]) -> dict[str, Any]:
    name = os.fspath(name_or_path)
    if name in names():
        text = resources.files("lipstream.configs").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    else:
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            if isinstance(error, UnicodeDecodeError):
                reason = "it is no text in UTF-8"
            raise ConfigError(
                f"configuration '{name}' is neither one of {', '.join(names())} nor a readable file "
                f"({reason}){did_you_mean(name, names())}"
            ) from None
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        where = f" line {mark.line + 1}" if (mark := getattr(error, "problem_mark", None)) else ""
        raise ConfigError(f"configuration '{name}'{where} is not valid YAML") from None
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise ConfigError(f"configuration '{name}' must be a mapping of keys to values")
    return data


def _over(preset: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """The keys of a configuration over those of one that ships."""
    for key, value in own.items():
        # A section without keys says nothing.
        if value is not None or key not in _SECTIONS:
            _merge(preset, key, value)
    return preset


def _assign(target: dict[str, Any], key: str, value: object) -> None:
    *sections, last = key.split(".")
    for section in sections:
        inner = target[section] = {} if target.get(section) is None else target[section]
        if not isinstance(inner, dict):
            raise ConfigError(f"'{key}': '{section}' is a value, not a section")
        target = inner
    _merge(target, last, value)


def _merge(target: dict[Any, Any], key: object, value: object) -> None:
    # The keys of a mapping are whole: a full stop in one, as in "U.S.", is part of a phrase.
    if isinstance(value, Mapping) and isinstance(target.get(key, {}), dict):
        inner = target.setdefault(key, {})
        for inner_key, inner_value in value.items():
            _merge(inner, inner_key, inner_value)
    else:
        target[key] = value
