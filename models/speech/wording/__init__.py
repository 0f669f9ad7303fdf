"""Recognised words as the user wants to see them: numerals, fillers, replacements, the capital of the English "I".

Pure functions on timed words, for finished text and for text that still grows.
"""

from lipstream.models.speech.wording.casing import capital_i
from lipstream.models.speech.wording.wording import Fillers, Numerals, Wording, WordingOptions

__all__ = ["Fillers", "Numerals", "Wording", "WordingOptions", "capital_i"]
