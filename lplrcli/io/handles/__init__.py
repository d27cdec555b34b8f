"""Handles: objects that give rows of an opened array on demand."""
