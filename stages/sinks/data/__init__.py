"""Tables and annotations for those who count: what was said, felt and seen, documented in docs/data.md."""
