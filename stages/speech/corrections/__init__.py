"""Finals read once more, with what was said after them."""
