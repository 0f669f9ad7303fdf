"""Errors of the model layer, each with one line a user can act on."""

from __future__ import annotations


class ModelError(Exception):
    """A network cannot be loaded or run; the message names it and says what to do."""


class AssetError(ModelError):
    """A model or media file is missing, unreachable or altered; the message names it and says what to do."""
