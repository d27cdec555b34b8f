"""Bases of a Karhunen-Loève transform: taken from the components, quantized, and as they decode."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.model.compressed import KLT, basis_stride, most_vectors
from lplrcli.pipeline.encode.coefficients import (
    GREATEST,
    CodedCoefficients,
    CoefficientCoder,
    code_coefficients,
)
from lplrcli.quantize import SteppedQuantizer
from lplrcli.transform.component_layout import Layout
from lplrcli.transform.klt import (
    certain_vectors,
    orthonormal,
    principal_vectors,
    stacked,
)

_STATE_BITS = 3
"""Of the trellis: there are few coefficients."""

_LARGEST = 2**22
"""Entries of a component, at most: it is one chunk, coded and decoded as a whole."""

_LONGEST = 1024
"""Extent of an axis, at most: the eigenvectors of a matrix of this size are found."""

_LEAST = 1.0
"""Length, in steps, of the shortest vector that is kept."""


def may_be_transformed(grid: tuple[int, ...]) -> bool:
    """Whether a component is a field, of more than one axis, and not too large."""
    a_field = sum(extent > 1 for extent in grid) > 1
    return a_field and max(grid) <= _LONGEST and math.prod(grid) <= _LARGEST


def exact_bases(values: NDArray[Any], grid: tuple[int, ...]) -> Layout:
    """The transform with exact bases, for predictions.

    Parameters
    ----------
    values : ndarray, shape (components, length)
        Weighted by their parts in the matrix.
    grid : tuple of int
        Its product is `length`.
    """
    vectors = principal_vectors(values, grid)
    lengths = [np.maximum(np.linalg.norm(part, axis=0), 1e-300) for part in vectors]
    bases = tuple(part / length for part, length in zip(vectors, lengths, strict=True))
    return Layout(KLT, grid, bases)


def quantized_bases(
    values: NDArray[Any], grid: tuple[int, ...], step: float, threads: int
) -> tuple[Layout, CodedCoefficients]:
    """The transform with the bases that a file will hold, and these.

    The vectors are as long as the parts of the matrix that they carry, so that one step for
    vectors and coefficients is one slope of the squared error.

    Parameters
    ----------
    values, grid
        As for `exact_bases`.
    step : float
        Of the factors.
    threads : int
        The result does not depend on it.
    """
    most = most_vectors(grid, len(values))
    vectors = tuple(
        part[:, : min(most, max(1, int((np.linalg.norm(part, axis=0) > _LEAST * step).sum())))]
        for part in principal_vectors(values, grid)
    )
    while True:
        coded = _coded(vectors, grid, step, threads)
        stored = coded.decoded(np.dtype(np.float64))
        certain = certain_vectors(stored, grid)
        if certain == len(stored):
            return Layout(KLT, grid, orthonormal(stored, grid)), coded
        vectors = tuple(part[:, :certain] for part in vectors)


def _coded(
    vectors: tuple[NDArray[np.float64], ...], grid: tuple[int, ...], step: float, threads: int
) -> CodedCoefficients:
    rows, layout, chunks = _chunks(vectors, grid)
    step = max(step, float(max(np.abs(chunk).max() for chunk in chunks)) / GREATEST)
    quantizer = SteppedQuantizer(step, np.zeros(len(rows), np.int64))
    coder = CoefficientCoder(quantizer, np.ones(len(rows)), _STATE_BITS, layout)
    return code_coefficients(chunks, chunks, coder, threads)


def coefficients_of(layout: Layout, values: NDArray[Any]) -> tuple[Layout, list[NDArray[Any]]]:
    """What would be quantized of the bases of a layout, for predictions: layout and chunks."""
    vectors = principal_vectors(values, layout.grid)
    return _chunks(vectors, layout.grid)[1:]


def _chunks(
    vectors: tuple[NDArray[np.float64], ...], grid: tuple[int, ...]
) -> tuple[NDArray[np.float64], Layout, list[NDArray[Any]]]:
    rows = stacked(vectors)
    stride = basis_stride(grid)
    layout = Layout("dct", (rows.shape[1],))
    starts = range(0, rows.shape[1], stride)
    return rows, layout, [layout.forward(rows[:, start : start + stride]) for start in starts]
