"""Sources of row blocks: local threads, or the workers of a cluster."""
