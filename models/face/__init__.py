"""Faces: landmarks from a video frame, lip measurements, identities over time, and who is speaking."""
