"""Picture to lips: faces, the lip stream, what a mouth does."""
