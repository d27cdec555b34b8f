"""Compress matrices by low rank and low precision.

>>> import lplrcli
>>> c = lplrcli.compress(array, rank=64, bits=2)
>>> c.save("array.lplr")
>>> y = lplrcli.open("array.lplr") @ x
>>> lplrcli.append("array.lplr", more)
"""

from __future__ import annotations

from lplrcli.model.version import __version__

TYPE_CHECKING = False  # as checkers of types take it; `typing` takes long to load
if TYPE_CHECKING:
    from typing import Any

    from lplrcli import errors
    from lplrcli.api import (
        CompressedMatrix,
        append,
        compress,
        open,  # noqa: A004
        recover,
        verify,
    )

__all__ = [
    "CompressedMatrix",
    "__version__",
    "append",
    "compress",
    "errors",
    "open",
    "recover",
    "verify",
]


def __getattr__(name: str) -> Any:
    # Importing the package costs nothing until something of it is used: `lplr --version` and
    # `lplr inspect` must not wait for NumPy, Numba or h5py.
    import importlib

    if name == "errors":
        return importlib.import_module("lplrcli.errors")
    if name in __all__:
        return getattr(importlib.import_module("lplrcli.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
