"""Compress matrices by low rank and low precision.

Examples
--------
>>> import numpy as np
>>> import lplrcli
>>> array = np.outer(np.arange(1, 201), np.ones(100)).astype(np.float32)
>>> c = lplrcli.compress(array, rank=1, bits=8)
>>> c.save("array.lplr")
>>> with lplrcli.open("array.lplr") as c:
...     y = c @ np.ones(100)  # from the factors: the matrix is never formed
>>> y.shape
(200,)
>>> lplrcli.append("array.lplr", array[-10:]).rows
10
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


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__} - {"TYPE_CHECKING", "annotations"})


def __getattr__(name: str) -> Any:
    # Importing the package costs nothing until something of it is used: `lplr --version` and
    # `lplr inspect` must not wait for NumPy, Numba or h5py.
    import importlib

    if name == "errors":
        return importlib.import_module("lplrcli.errors")
    if name in __all__:
        return getattr(importlib.import_module("lplrcli.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
