"""The profile that grows: its verb, and what `live --grow` does before and after a run."""
