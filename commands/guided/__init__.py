"""Guided enrolment: sentences to read aloud before the camera."""
