"""Tensors of .safetensors files, mapped; the accepted profile is formats/safetensors.md.

The header is parsed here: the format's own library gives NumPy copies of whole tensors, and no
bfloat16 of a part of one.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from lplrcli.errors import InputError, NotAMatrixError
from lplrcli.io.handles.dataset_choice import Candidate, no_such_dataset, only_matrix
from lplrcli.io.handles.dtypes import ACCEPTED, are_sizes, real_dtype
from lplrcli.io.handles.mapped import MappedHandle, map_array
from lplrcli.io.handles.unfolding import UnfoldingRequest, shorten, unfolding_of

_PREFIX_BYTES = 8
MAX_HEADER_BYTES = 100_000_000
"""As much as the format's own library reads."""

_METADATA = "__metadata__"
# By the names of the format; V2 is how bfloat16 is mapped. Types that are not here are passed by.
_STORED = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<V2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "u1",
    "BOOL": "?",
}
_NARROW = {"F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "F8_E8M0": "float8_e8m0fnu"}
"""Floats of 8 bits, by the names that ml_dtypes has for them."""


@dataclass(frozen=True)
class _Tensor:
    """One entry of the header; `begin` and `end` count from the end of it."""

    kind: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def stored(self) -> np.dtype[Any] | None:
        if self.kind in _NARROW:
            import ml_dtypes

            narrow: np.dtype[Any] = np.dtype(getattr(ml_dtypes, _NARROW[self.kind]))
            return narrow
        return np.dtype(_STORED[self.kind]) if self.kind in _STORED else None

    @property
    def dtype(self) -> np.dtype[Any] | None:
        """Type of the entries here: the narrowest one that has every value of the stored one."""
        if self.kind in _NARROW:
            return real_dtype(np.dtype("V2" if self.kind == "F8_E8M0" else "f2"), "")
        return None if self.stored is None else real_dtype(self.stored, "")


def open_handle(
    file: BinaryIO, path: str | None, name: str, dataset: str | None, request: UnfoldingRequest
) -> MappedHandle:
    """Map a tensor of a .safetensors file.

    Parameters
    ----------
    file : binary file
        At its start; closed here, the map lives on.
    path
        Not used.
    name : str
        For messages.
    dataset : str, optional
        Name of the tensor; by default the only one that is or unfolds to a matrix.
    request : UnfoldingRequest
        How the tensor is to become a matrix.

    Raises
    ------
    NotAMatrixError
        There is no such tensor, or several to choose from, or it is not of real numbers.
    InputError
        The header is damaged, or does not fit the size of the file.
    PlanError
        What is asked of the unfolding does not fit its shape.
    """
    with file:
        try:
            size = os.fstat(file.fileno()).st_size
            tensors, data_begin = _read_header(file, size, name)
            tensor = _chosen(tensors, dataset, name)
            if tensor.stored is None:
                raise NotAMatrixError(
                    "the entries are not of a type lplr compresses",
                    path=name,
                    found=shorten(tensor.kind),
                    expected=ACCEPTED,
                )
            unfolding = unfolding_of(tensor.shape, name, request)
            array, mapping = map_array(file, tensor.stored, tensor.shape, data_begin + tensor.begin)
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror or error}", path=name) from error
    assert tensor.dtype is not None
    return MappedHandle(array, mapping, unfolding, tensor.dtype)


def _chosen(tensors: dict[str, _Tensor], dataset: str | None, name: str) -> _Tensor:
    if dataset is not None and dataset in tensors:
        return tensors[dataset]
    candidates = [_described(key, tensor) for key, tensor in tensors.items()]
    if dataset is not None:
        raise no_such_dataset(dataset, candidates, name)
    return tensors[only_matrix(candidates, name)]


def _described(key: str, tensor: _Tensor) -> Candidate:
    if tensor.dtype is None:
        text = f"{'x'.join(map(str, tensor.shape)) or 'scalar'} {shorten(tensor.kind)}"
        return Candidate(key, text, False)
    return Candidate.of(key, tensor.shape, tensor.dtype)


def _read_header(file: BinaryIO, size: int, name: str) -> tuple[dict[str, _Tensor], int]:
    """Parse the header to the tensors, by name, and the offset of their data."""
    length = int.from_bytes(file.read(_PREFIX_BYTES), "little")
    begin = _PREFIX_BYTES + length
    if length > MAX_HEADER_BYTES:
        raise _damaged(name, "it is too long", f"{length} bytes", f"at most {MAX_HEADER_BYTES}")
    if begin > size:
        raise _damaged(name, "the file ends within it", f"{size} bytes", f"at least {begin}")
    try:
        entries = json.loads(file.read(length).decode("utf8"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise _damaged(name, f"it is not the JSON of one: {shorten(error)}") from error
    if not isinstance(entries, dict):
        raise _damaged(name, "it is no JSON object")
    tensors = {key: _tensor(key, entry, name) for key, entry in entries.items() if key != _METADATA}
    _check_places(tensors, size - begin, name)
    return tensors, begin


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _tensor(key: str, entry: Any, name: str) -> _Tensor:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise _damaged(name, f"{shorten(key)} must have dtype, shape and data_offsets")
    kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    sizes = (isinstance(values, list) and are_sizes(values) for values in (shape, offsets))
    if not isinstance(kind, str) or not all(sizes):
        raise _damaged(name, f"{shorten(key)} has no valid dtype, shape or data_offsets")
    if len(offsets) != 2 or offsets[0] > offsets[1]:
        raise _damaged(name, f"data_offsets of {shorten(key)} are no range", shorten(offsets))
    tensor = _Tensor(kind, tuple(shape), *offsets)
    if tensor.stored is not None:
        expected = math.prod(shape) * tensor.stored.itemsize
        if tensor.end - tensor.begin != expected:
            raise _damaged(
                name,
                f"the length of {shorten(key)} is not that of its shape",
                f"{tensor.end - tensor.begin} bytes",
                f"{expected} for {shorten('x'.join(map(str, shape)))} {kind}",
            )
    return tensor


def _check_places(tensors: dict[str, _Tensor], size: int, name: str) -> None:
    """See that the tensors fill the data, one after another, as the format demands."""
    reached = 0
    for key, tensor in sorted(tensors.items(), key=lambda one: (one[1].begin, one[1].end)):
        if tensor.begin != reached:
            fault = "overlaps another" if tensor.begin < reached else "leaves bytes before it"
            raise _damaged(name, f"{shorten(key)} {fault}", f"byte {tensor.begin}", str(reached))
        reached = tensor.end
    if reached != size:
        fault = "the file is cut short" if reached > size else "bytes follow the data"
        raise InputError(
            fault,
            path=name,
            found=f"{size} bytes of data",
            expected=f"{reached} by the header",
            advice="Save it again with safetensors.numpy.save_file.",
        )


def _damaged(name: str, what: str, found: object = None, expected: object = None) -> InputError:
    return InputError(
        f"the safetensors header is damaged: {what}",
        path=name,
        found=found,
        expected=expected,
        advice="Save it again with safetensors.numpy.save_file.",
    )
