"""Where the network of voices comes from."""
