"""A run of a graph: threads, failures, overload, metrics, the end."""
