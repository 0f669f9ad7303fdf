"""Where a Whisper model lies."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from lipstream.models.assets.store import offline
from lipstream.models.errors import ModelError

FILES: Final = ("model.bin", "config.json", "tokenizer.json")
"""What a folder with a CTranslate2 model of Whisper must hold."""


def find_folder(model: str, *, use: bool = True) -> Path:
    """The folder of a model; one that is missing is fetched.

    Args:
        model: "base", which comes with Lipstream; the path of a folder; or another size that faster-whisper knows.
        use: whether it is loaded now; else it is only seen that it can be.

    Raises:
        ModelError: it cannot be had, or is not complete.
    """
    folder = Path(model).expanduser()
    if model == "base":
        from lipstream.models.assets import resolve_folder

        return resolve_folder("whisper-base/", use=use)
    if not folder.is_dir():
        folder = _fetched(model)
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise ModelError(
            f"'{folder}' has no {' and no '.join(missing)}; expected a folder with a CTranslate2 model of Whisper"
        )
    return folder


def _fetched(model: str) -> Path:
    try:
        from faster_whisper import download_model
    except ImportError as error:
        raise ModelError(
            f"there is no folder '{model}', and Whisper models other than 'base' are fetched by faster-whisper: "
            "pip install 'lipstream[whisper]'"
        ) from error
    try:
        return Path(download_model(model, local_files_only=offline()))
    except Exception as error:  # the hub client raises many classes, with no other common base
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"cannot load Whisper model {model!r} ({reason}); give 'base', a size such as 'tiny.en', which is fetched, "
            "or a folder with a CTranslate2 model (model.bin, tokenizer.json)"
        ) from error
