"""Whisper: spectrogram, networks, vocabulary, search, and the recogniser made of them."""
