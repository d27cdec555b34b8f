"""New rows into a file."""
