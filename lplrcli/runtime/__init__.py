"""Services of the machine: memory, threads, scratch space, and sums in a fixed order."""
