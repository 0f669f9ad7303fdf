"""Models of the sherpa-onnx project as recognisers: found by their files, run by its library, words with times."""

from lipstream.models.speech.sherpa.folder import Kind, SherpaModel, kind_of
from lipstream.models.speech.sherpa.recogniser import SherpaRecogniser

__all__ = ["Kind", "SherpaModel", "SherpaRecogniser", "kind_of"]
