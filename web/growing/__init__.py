"""The page's question whether a profile may grow from use."""
