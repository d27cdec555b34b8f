"""The machine: memory, threads, scratch space, and the order of sums."""
