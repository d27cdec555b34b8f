"""Variables of netCDF classic files, mapped; the accepted profile is formats/netcdf.md."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from lplrcli.errors import InputError, LplrError
from lplrcli.io.handles.base import ArrayHandle
from lplrcli.io.handles.dataset_choice import Candidate, no_such_dataset, only_matrix
from lplrcli.io.handles.dtypes import real_dtype
from lplrcli.io.handles.mapped import MappedHandle, map_array
from lplrcli.io.handles.unfolding import UnfoldingRequest, shorten, unfolding_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WIDE = 5
"""Version whose extents have 64 bits, which SciPy does not read."""


def open_handle(
    file: BinaryIO, path: str | None, name: str, dataset: str | None, request: UnfoldingRequest
) -> MappedHandle | ArrayHandle:
    """Map a variable of a netCDF classic file.

    Parameters
    ----------
    file : binary file
        At its start; closed here, the map lives on.
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
        The file is damaged, cut short, of version 5, or behind a URL.
    PlanError
        What is asked of the unfolding does not fit its shape.
    """
    with file:
        try:
            version = file.read(4)[-1]
            file.seek(0)
            if version == _WIDE:
                raise InputError(
                    "the netCDF file is of the classic format with 64-bit data (CDF-5)",
                    path=name,
                    expected="version 1 or 2, or netCDF-4",
                    advice="Convert it to netCDF-4 with nccopy -k nc4.",
                )
            variables = _variables(file)
            chosen = _chosen(variables, dataset, name)
            array = variables[chosen]
            dtype = real_dtype(array.dtype, name)
            unfolding = unfolding_of(array.shape, name, request)
            if not array.flags.c_contiguous:  # one of several variables of each record
                return ArrayHandle(array, unfolding, dtype)
            offset = array.ctypes.data - _start_of_map(array)
            mapped, mapping = map_array(file, array.dtype, array.shape, offset)
            return MappedHandle(mapped, mapping, unfolding, dtype)
        except (LplrError, MemoryError):
            raise
        except Exception as error:  # SciPy finds damage by whatever fails first
            raise InputError(
                f"the netCDF file cannot be read: {shorten(str(error) or type(error).__name__)}",
                path=name,
                advice="It seems to be damaged; ncdump -h may tell more.",
            ) from error


def _variables(file: BinaryIO) -> dict[str, NDArray[Any]]:
    """Arrays of all variables, views of one map of the file."""
    from scipy.io import netcdf_file

    with warnings.catch_warnings(), os.fdopen(os.dup(file.fileno()), "rb") as own:
        # The map stays as long as its views, of which the library warns.
        warnings.simplefilter("ignore")
        own.seek(0)
        with netcdf_file(own, "r", mmap=True, maskandscale=False) as opened:
            return {key: np.asarray(one.data) for key, one in opened.variables.items()}


def _start_of_map(array: NDArray[Any]) -> int:
    """Address of the map that an array is a view of."""
    base: Any = array
    while isinstance(base.base, np.ndarray):
        base = base.base
    address: int = np.frombuffer(base.base, np.uint8, 1).ctypes.data
    return address


def _chosen(variables: dict[str, NDArray[Any]], dataset: str | None, name: str) -> str:
    if dataset is not None and dataset in variables:
        return dataset
    candidates = [Candidate.of(key, array.shape, array.dtype) for key, array in variables.items()]
    if dataset is not None:
        raise no_such_dataset(dataset, candidates, name)
    return only_matrix(candidates, name)
