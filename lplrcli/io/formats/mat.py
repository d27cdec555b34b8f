"""Matrices of MATLAB files of version 4 and 5; the accepted profile is formats/mat.md.

Files of version 7.3 are HDF5.
"""

from __future__ import annotations

import mmap
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from lplrcli.errors import InputError, NotAMatrixError
from lplrcli.io.formats.magic import MAT_HEADER, mat4_order
from lplrcli.io.formats.mat_variables import (
    DamagedError,
    Variable,
    numbers_of,
    variables_4,
    variables_5,
)
from lplrcli.io.handles.base import ArrayHandle, CsrHandle
from lplrcli.io.handles.dataset_choice import Candidate, no_such_dataset, only_matrix
from lplrcli.io.handles.dtypes import are_sizes, real_dtype
from lplrcli.io.handles.sparse_parts import sparse_handle
from lplrcli.io.handles.unfolding import UnfoldingRequest, shorten, unfolding_of
from lplrcli.runtime.workspace import workspace

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NAMES = {"double": "f8", "single": "f4", "logical": "?", "sparse": "f8", "int8": "i1",
          "int16": "i2", "int32": "i4", "int64": "i8", "uint8": "u1", "uint16": "u2",
          "uint32": "u4", "uint64": "u8"}  # fmt: skip
_TYPES = {kind: np.dtype(stored) for kind, stored in _NAMES.items()}
"""Types of entries by the classes of MATLAB; variables of others are no matrices."""

_ADVICE = "Save it again in MATLAB, or with scipy.io.savemat."


def open_handle(
    file: BinaryIO, path: str | None, name: str, dataset: str | None, request: UnfoldingRequest
) -> ArrayHandle | CsrHandle:
    """Read a variable of a MATLAB file: mapped as far as it is stored so, else into memory.

    Parameters
    ----------
    file : binary file
        At its start; closed here.
    path
        Not used.
    name : str
        For messages.
    dataset : str, optional
        Name of the variable; by default the only one that is or unfolds to a matrix.
    request : UnfoldingRequest
        How the array is to become a matrix.

    Raises
    ------
    NotAMatrixError
        There is no such variable, or several to choose from, or it is no matrix of real numbers.
    InputError
        The file is damaged.
    MemoryLimitError
        Less memory is allowed than the variable takes.
    PlanError
        What is asked of the unfolding does not fit its shape.
    """
    with file:
        try:
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            variables = {one.name: one for one in _variables(data)}
            chosen = variables[_chosen(variables, dataset, name)]
            if chosen.kind == "sparse":
                return _sparse(chosen, numbers_of(chosen), name, request)
            unfolding = unfolding_of(chosen.shape, name, request)
            (numbers,) = numbers_of(chosen)
            wanted = _TYPES[chosen.kind]
            if not chosen.stored and numbers.dtype != wanted:
                # As MATLAB has the numbers, not in the narrower types that it stores them in.
                workspace().require(len(numbers) * wanted.itemsize, name, 1)
                numbers = numbers.astype(wanted)
            array = numbers.reshape(chosen.shape, order="F")
            return ArrayHandle(array, unfolding, real_dtype(array.dtype, name))
        except DamagedError as error:
            raise InputError(
                f"the MATLAB file is damaged: {error}", path=name, advice=_ADVICE
            ) from error
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror or error}", path=name) from error


def _variables(data: Any) -> Iterator[Variable]:
    order = mat4_order(bytes(data[:MAT_HEADER]))
    return variables_5(data) if order is None else variables_4(data, order)


def _sparse(
    chosen: Variable, arrays: list[NDArray[Any]], name: str, request: UnfoldingRequest
) -> CsrHandle:
    kind, names = ("coo", ("row", "col")) if chosen.stored else ("csc", ("indices", "indptr"))
    parts = {"data": arrays[0].astype(np.float64), **dict(zip(names, arrays[1:], strict=True))}
    return sparse_handle(_Parts(parts, name), kind, chosen.shape, request)


def _chosen(found: dict[str, Variable], dataset: str | None, name: str) -> str:
    candidates = [_described(one) for one in found.values()]
    if dataset is None:
        return only_matrix(candidates, name)
    if dataset not in found:
        raise no_such_dataset(dataset, candidates, name)
    kind = found[dataset].kind
    if kind not in _TYPES:
        split = "Save the real and the imaginary part as variables of their own."
        raise NotAMatrixError(
            "the variable is no matrix of real numbers",
            path=name,
            found=f"{shorten(dataset)}, of class {kind}",
            expected=", ".join(_TYPES),
            advice=split if kind.startswith("complex") else "Save its numbers as a variable.",
        )
    return dataset


def _described(one: Variable) -> Candidate:
    text = f"{'x'.join(map(str, one.shape))} {one.kind}"
    if one.kind in _TYPES and are_sizes(one.shape):
        judged = Candidate.of(one.name, one.shape, _TYPES[one.kind])
        return Candidate(one.name, text, judged.is_matrix)
    return Candidate(one.name, text, False)


class _Parts:
    """The arrays of a sparse matrix."""

    advice = _ADVICE

    def __init__(self, arrays: dict[str, NDArray[Any]], name: str) -> None:
        self.name = name
        self._arrays = arrays

    def names(self) -> Collection[str]:
        return self._arrays

    def name_of(self, part: str) -> str:
        return self.name

    def described(self, part: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        return self._arrays[part].shape, self._arrays[part].dtype

    def array(self, part: str) -> NDArray[Any]:
        found: NDArray[Any] = self._arrays[part]
        return found
