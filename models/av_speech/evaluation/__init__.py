"""Word errors with and without lips, among other sounds."""
