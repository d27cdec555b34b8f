"""Numbers without any header: their shape and type are said by the user; see formats/raw.md."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import numpy as np

from lplrcli.errors import InputError, PlanError
from lplrcli.io.handles.dtypes import ACCEPTED, real_dtype
from lplrcli.io.handles.mapped import MappedHandle, map_array
from lplrcli.io.handles.unfolding import UnfoldingRequest, shorten, unfolding_of

if TYPE_CHECKING:
    from numpy.typing import DTypeLike


@dataclass(frozen=True)
class RawLayout:
    """How an array lies in a file that says nothing of itself.

    Attributes
    ----------
    shape : tuple of int
        Extents of the array.
    dtype : numpy.dtype
        Type of the entries as stored, byte order included.
    order : {"C", "F"}
        Whether the last axis varies fastest, or the first one.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    order: Literal["C", "F"] = "C"

    @classmethod
    def of(
        cls, shape: Sequence[int], dtype: DTypeLike, order: Literal["C", "F"] = "C"
    ) -> RawLayout:
        """Check what the user says.

        Raises
        ------
        NotAMatrixError
            It is no array of real numbers that unfolds to a matrix.
        PlanError
            The type or the order does not exist.
        """
        layout = cls(tuple(int(extent) for extent in shape), named_dtype(dtype), order)
        if order not in ("C", "F"):
            raise PlanError("there is no such order", found=shorten(repr(order)), expected="C or F")
        unfolding_of(layout.shape, "the shape given")
        return layout


def named_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """Type that a name stands for: one of NumPy's, in either byte order, or ``bfloat16``.

    Raises
    ------
    NotAMatrixError
        Its values are not real numbers, or of a type that is not accepted.
    PlanError
        There is no such type.
    """
    if isinstance(dtype, str) and dtype.lstrip("<=") == "bfloat16":
        import ml_dtypes

        bfloat16: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
        return bfloat16
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some one-letter aliases are deprecated
            stored = np.dtype(dtype)
    except (TypeError, ValueError, SyntaxError, OverflowError, MemoryError) as error:
        raise PlanError(
            "there is no such type", found=shorten(repr(dtype)), expected=ACCEPTED
        ) from error
    real_dtype(stored, "the type given")
    return stored


def open_raw(
    file: BinaryIO, name: str, layout: RawLayout, request: UnfoldingRequest
) -> MappedHandle:
    """Map a file that is an array and nothing else.

    Parameters
    ----------
    file : binary file
        Closed here; the map lives on.
    name : str
        For messages.
    layout : RawLayout
        What it holds.
    request : UnfoldingRequest
        How the array is to become a matrix.

    Raises
    ------
    InputError
        The file has not the size of such an array.
    NotAMatrixError, PlanError
        The array is no matrix, or is not unfolded so.
    """
    with file:
        unfolding = unfolding_of(layout.shape, name, request)
        found = os.fstat(file.fileno()).st_size
        expected = math.prod(layout.shape) * layout.dtype.itemsize
        if found != expected:
            raise InputError(
                "the size is not that of the array",
                path=name,
                found=f"{found} bytes",
                expected=f"{expected} for {'x'.join(map(str, layout.shape))} {layout.dtype}",
                advice="Check shape and type; a file with a header is not raw.",
            )
        try:
            array, mapping = map_array(file, layout.dtype, layout.shape, 0, layout.order == "F")
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror or error}", path=name) from error
    return MappedHandle(array, mapping, unfolding, real_dtype(layout.dtype, name))
