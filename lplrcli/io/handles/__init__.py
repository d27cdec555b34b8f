"""Objects that give rows of an array."""
