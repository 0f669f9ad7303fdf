"""Emotion from the voice and the face: networks, their inference, training and evaluation."""
