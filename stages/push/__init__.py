"""Sound and pictures that a program hands over itself, instead of a device or a file."""
