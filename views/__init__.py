"""What people see: the overlay on a picture, the live window, rendered videos, the report. All from events."""
