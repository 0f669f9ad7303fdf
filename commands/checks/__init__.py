"""What `doctor` and `devices` look at."""
