"""How events reach sinks, hooks and iterators."""
