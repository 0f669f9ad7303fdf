"""Networks, the assets they load, and their training. Knows nothing of stages or of the dataflow."""
