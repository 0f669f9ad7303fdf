"""What an operator looks at: metrics, logs, probes."""
