"""Randomized linear algebra over matrices read block by block."""
