"""Sound and pictures that programs hand over."""
