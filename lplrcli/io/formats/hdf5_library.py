"""What reading and writing HDF5 share: errors of the library, and how much it may cache."""

from __future__ import annotations

H5_ERRORS = (OSError, RuntimeError, ValueError, TypeError, KeyError, AttributeError)
"""What h5py raises for files that are damaged in one place or another."""

MAX_CACHE_BYTES = 256 << 20
"""Largest chunk cache asked of the library."""


def reason_of(error: BaseException) -> str:
    """Give the first line of what the library says of a failure."""
    return (str(error.args[-1]) if error.args else type(error).__name__).split("\n")[0]
