"""The types that data travels in, and nothing that computes."""
