"""Boxes from all over an array, coded in columns and as a field: which takes fewer bits."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.linalg.operands import dense_rows, stored_entries
from lplrcli.linalg.passes import Passes
from lplrcli.model.source import RowBlock
from lplrcli.pipeline.encode.coefficient_coder import CoefficientCoder
from lplrcli.pipeline.encode.coefficients import code_coefficients
from lplrcli.pipeline.encode.residual import Factors, in_one_run, without_units
from lplrcli.quantize import SteppedQuantizer
from lplrcli.transform.component_layout import Layout

_BOXES, _ENTRIES = 4, 2**17
"""How many boxes, and about how many entries each; one box if that is nearly the array."""


class FieldSample:
    """Some boxes of an array, or of what factors leave of it.

    Parameters
    ----------
    passes : Passes
        The matrix (n x d) that the array was unfolded into; one more pass is made over it.
    factors : tuple of ndarray or None
        Lᵀ and R, subtracted first.
    threads : int
        The result does not depend on it.
    """

    def __init__(self, passes: Passes, factors: Factors, threads: int) -> None:
        unfolding = passes.source.unfolding
        grid = (*unfolding.row_grid, *unfolding.column_grid)
        self.box, starts = _boxes(grid)
        split = len(unfolding.row_grid)
        places = [
            (
                _flat(start[:split], self.box[:split], unfolding.row_grid),
                _flat(start[split:], self.box[split:], unfolding.column_grid),
            )
            for start in starts
        ]
        left, right = factors or (None, None)
        parts = passes.map_scaled("sample", partial(_taken, places=places, right=right), left)
        self.matrices = [np.concatenate(rows) for rows in zip(*parts, strict=True)]
        self.entries = sum(matrix.size for matrix in self.matrices)
        self.in_one_run = in_one_run(passes.shape)
        self.threads = threads

    def coded(self, transform: str, step: float, state_bits: int) -> tuple[float, float]:
        """Bits per entry and mean squared error.

        Parameters
        ----------
        transform : str
            Over all axes; column by column for ``identity``.
        step : float
            Step of all entries.
        state_bits : int
            State bits of the trellis.
        """
        if transform != "identity":
            layout = Layout(transform, without_units(self.box))
            chunks = [layout.forward(matrix.reshape(1, -1)) for matrix in self.matrices]
            return self._coded(chunks, layout, np.ones(1), step, state_bits)
        if self.in_one_run:
            chunks = [np.ascontiguousarray(matrix.reshape(1, -1)) for matrix in self.matrices]
        else:
            chunks = [np.ascontiguousarray(matrix.T) for matrix in self.matrices]
        squares: Any = sum(np.square(chunk, dtype=np.float64).mean(axis=1) for chunk in chunks)
        layout = Layout(transform, chunks[0].shape[1:])
        return self._coded(chunks, layout, np.sqrt(squares / len(chunks)), step, state_bits)

    def _coded(
        self,
        chunks: list[NDArray[Any]],
        layout: Layout,
        deviations: NDArray[np.float64],
        step: float,
        state_bits: int,
    ) -> tuple[float, float]:
        quantizer = SteppedQuantizer(step, np.zeros(len(deviations), np.int64))
        coder = CoefficientCoder(quantizer, deviations, state_bits, layout)
        coded = code_coefficients(chunks, chunks, coder, self.threads)
        return coded.token_bits() / self.entries, coded.squared_error / self.entries


def _boxes(grid: tuple[int, ...]) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
    """Extents of the boxes, and where each of them starts."""
    if math.prod(grid) <= _BOXES * _ENTRIES:
        return grid, [(0,) * len(grid)]
    side = math.ceil(_ENTRIES ** (1 / len(without_units(grid))))
    box = tuple(min(extent, side) for extent in grid)
    lines = [
        np.linspace(0, extent - length, _BOXES).astype(int)
        for extent, length in zip(grid, box, strict=True)
    ]
    # Every axis but the first turned further: the boxes do not lie on one diagonal.
    turned = [np.roll(line, axis) for axis, line in enumerate(lines)]
    return box, [tuple(int(line[i]) for line in turned) for i in range(_BOXES)]


def _flat(start: tuple[int, ...], box: tuple[int, ...], grid: tuple[int, ...]) -> NDArray[Any]:
    """Ascending indices, in the flattened grid, of the entries of a box."""
    ranges = [np.arange(first, first + extent) for first, extent in zip(start, box, strict=True)]
    return np.asarray(np.ravel_multi_index(np.ix_(*ranges), grid)).ravel()


def _taken(
    block: RowBlock,
    places: list[tuple[NDArray[Any], NDArray[Any]]],
    right: NDArray[Any] | None,
) -> list[NDArray[Any]]:
    """The part of every box that lies in a block."""
    values = block.values
    found = []
    for rows, columns in places:
        low, high = np.searchsorted(rows, [block.start, block.start + values.shape[0]])
        mine = rows[low:high] - block.start
        if len(mine) == 0:
            found.append(np.empty((0, len(columns)), stored_entries(values).dtype))
            continue
        first = int(mine[0])
        dense = dense_rows(values, stored_entries(values).dtype)[first : int(mine[-1]) + 1]
        part = dense[mine - first][:, columns]
        if right is not None and block.beside is not None:
            part = part - block.beside[:, mine].T @ right[:, columns]
        found.append(part)
    return found
