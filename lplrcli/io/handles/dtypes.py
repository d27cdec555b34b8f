"""Which arrays count as a matrix: types and shapes, the same for every format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lplrcli.errors import NotAMatrixError
from lplrcli.io.handles.unfolding import shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

ACCEPTED = "float16, float32, float64, bfloat16, (u)int8 to (u)int64 or bool"

_MOST_AXES = 64
_LARGEST_EXTENT = 2**63 - 1

_ADVICE = {
    "c": "Compress the real and the imaginary part separately.",
    "O": "Convert the objects to numbers with astype(float).",
    "S": "Text is not compressed; convert it to numbers.",
    "U": "Text is not compressed; convert it to numbers.",
    "T": "Text is not compressed; convert it to numbers.",
    "M": 'Convert the dates to numbers, for example with view("int64").',
    "m": 'Convert the durations to numbers, for example with view("int64").',
    "f": 'Convert it with astype("float64").',
}


def real_dtype(dtype: np.dtype[Any], name: str) -> np.dtype[Any]:
    """Native type of entries stored as `dtype`.

    Parameters
    ----------
    dtype : numpy.dtype
        Type as stored, of either byte order. Two raw bytes (``V2``) are taken for bfloat16,
        which is how NumPy and h5py write it.
    name : str
        What is read, for messages.

    Raises
    ------
    NotAMatrixError
        Its values are not real numbers, or of a type that is not accepted.
    """
    if dtype.names is not None or dtype.subdtype is not None:
        raise NotAMatrixError(
            "the entries have several fields",
            path=name,
            found=shorten(dtype),
            expected=ACCEPTED,
            advice="Save one field as an array of its own.",
        )
    if dtype.name == "bfloat16" or (dtype.type is np.void and dtype.itemsize == 2):
        import ml_dtypes

        bfloat16: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
        return bfloat16
    if dtype.kind in "biu" or dtype.type in (np.float16, np.float32, np.float64):
        # By name, so that byte order and metadata (HDF5 enums) are gone.
        return np.dtype(dtype.name)
    raise NotAMatrixError(
        "the entries are not of a type lplr compresses",
        path=name,
        found=shorten(dtype),
        expected=ACCEPTED,
        advice=_ADVICE.get(dtype.kind, 'Convert it, for example with astype("float32").'),
    )


def are_sizes(values: Sequence[object]) -> bool:
    """Whether these may be the extents of an array: as many and as large as NumPy has them.

    Headers write integers of any length: without a bound their product alone may take minutes.
    """
    return len(values) <= _MOST_AXES and all(
        type(n) is int and 0 <= n <= _LARGEST_EXTENT for n in values
    )


def matrix_shape(shape: Sequence[int], name: str) -> tuple[int, int]:
    """Shape of a matrix as two Python ints.

    Raises
    ------
    NotAMatrixError
        It has not exactly two dimensions, or one of them is 0.
    """
    if len(shape) != 2:
        advice = {
            0: "A single number is not compressed.",
            1: "Reshape it to a matrix, for example with reshape(rows, -1).",
        }.get(len(shape), "Reshape it to two dimensions, for example with reshape(len(a), -1).")
        raise NotAMatrixError(
            "not a matrix",
            path=name,
            found=f"{len(shape)}-dimensional, shape {shorten(tuple(shape))}",
            expected="two dimensions",
            advice=advice,
        )
    if 0 in shape:
        raise NotAMatrixError(
            "the matrix is empty",
            path=name,
            found=f"shape {tuple(shape)}",
            expected="at least one row and one column",
        )
    return int(shape[0]), int(shape[1])


def to_native(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Give a block of stored entries as an aligned C-order array of `dtype`.

    No copy is made of what is that already.
    """
    if values.dtype != dtype and values.dtype.type is np.void:
        values = values.view(dtype)  # bfloat16 under the name V2
    return np.require(values, dtype, ["C_CONTIGUOUS", "ALIGNED"])
