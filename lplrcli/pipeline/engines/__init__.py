"""Methods that code a matrix until its target is met."""
