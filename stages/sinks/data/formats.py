"""The formats that need a package of their own, or work that nobody else asks for; imported when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from lipstream.config import Config
from lipstream.pipeline.errors import UserError
from lipstream.stages.sinks.writer import Writer

FEATURES = ("features.parquet", "features.csv")
"""What `features` stands for in a list of formats."""

DATA_FORMATS = {
    "features.parquet": "features_parquet.FeaturesParquetWriter",
    "features.csv": "features_csv.FeaturesCsvWriter",
    "TextGrid": "textgrid.TextGridWriter",
    "eaf": "eaf.EafWriter",
}
"""Module in this room and class of each, by the name of the format."""

EVERY_FRAME = 120.0
"""More than any camera gives: `face.features_rate` at which no frame that is looked at is left out."""


def data_writer(name: str) -> type[Writer]:
    """The class that writes one of them.

    Raises:
        UserError: its package is not installed.
    """
    module, _, kind = DATA_FORMATS[name].partition(".")
    try:
        writer: type[Writer] = getattr(import_module(f"lipstream.stages.sinks.data.{module}"), kind)
    except ModuleNotFoundError as error:
        raise UserError(
            f"the format {name} needs the package {error.name}, which is not installed: pip install 'lipstream[data]'"
        ) from error
    return writer


def format_settings(formats: Iterable[str]) -> dict[str, object]:
    """The settings that formats need; they do not replace the user's own."""
    return {} if set(FEATURES).isdisjoint(formats) else {"face.features_rate": EVERY_FRAME}


def check_features(formats: Iterable[str], config: Config) -> None:
    """See to it that there will be something in the tables of features.

    Raises:
        UserError: they are asked for, and no face is looked at, or none is told of; or landmarks are, without them.
    """
    asked = sorted(set(FEATURES).intersection(formats))
    if asked and not config.video.enabled:
        raise UserError(f"{', '.join(asked)}: features are of faces, but the picture is switched off")
    if asked and config.face.features_rate == 0:
        raise UserError(
            f"{', '.join(asked)}: face.features_rate is 0, so there are no features; leave it out or raise it"
        )
    if config.face.landmarks and config.face.features_rate == 0:
        raise UserError("landmarks belong to features, which are not asked for: add them with -f features")
