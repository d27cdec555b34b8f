"""Sizes up to which a way of coding may be taken."""

DIRECT_ENTRIES = 2**31
"""Entries up to which a matrix may be coded entry by entry."""
