"""Recordings for enrolment and training."""
