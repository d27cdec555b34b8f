"""Damaged files: what is whole, and what can be had of the rest."""
