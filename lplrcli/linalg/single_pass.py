"""The leading singular directions of A from one visit of every block, which may then be gone.

Tropp, Yurtsever, Udell and Cevher 2019, "Streaming low-rank matrix approximation with an
application to scientific simulation" (SIAM J. Sci. Comput. 41(4), arXiv 1902.08651): sketches of
the range and of the co-range of A say where it lies, a third one, of both sides, what it is there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.linalg.operands import Dense, RightOperand, transposed_times
from lplrcli.linalg.orthonormalization import orthonormal_basis
from lplrcli.linalg.passes import Passes
from lplrcli.linalg.probe import Probe
from lplrcli.linalg.range_finder import LeadingDirections, singular_directions
from lplrcli.linalg.row_filler import RowFiller
from lplrcli.linalg.sketching import gaussian_rows, sketching_operator
from lplrcli.linalg.tall import gram_of, row_blocks, transposed, transposed_image
from lplrcli.model.source import RowBlock
from lplrcli.runtime.stages import FIND_DIRECTIONS, stage
from lplrcli.runtime.workspace import workspace

_CORE_FACTOR = 4

_CO_RANGE, _CORE = 1, 2
"""Streams of the test matrices with a column for every row of A."""


def range_size(rank: int, shape: tuple[int, int]) -> int:
    """Columns k of the sketch of the range for so many components: 4 r + 1, as the paper has it.

    Never more than A has rows or columns.
    """
    return min(4 * rank + 1, *shape)


def core_size(size: int, extent: int) -> int:
    """Size s = 4 k + 1 of the core on a side of A of this extent.

    The paper recommends 2 k + 1, for least storage where singular values fall fast. Where they
    fall slowly, the error beyond k directions comes back through the core, and half as much of it
    with twice the core: with 2 k + 1 the error of 1/√i at rank 16 is 1.5 times the least one, with
    4 k + 1 it is 1.2 times (benchmarks/passes.py --single-sizes), for half as many operations more.
    """
    return min(_CORE_FACTOR * size + 1, extent)


@stage(FIND_DIRECTIONS)
def single_pass_directions(
    passes: Passes, rank: int, *, sketch: str, sketch_size: int, seed: int
) -> LeadingDirections:
    """Approximate leading directions of A, in one pass.

    Sketches Y = A Ω (n x k), X = Υ A (k x d) and Z = Φ A Ψ (s x s) give ``Q (ΦQ)⁺ Z (ΨᵀP)⁺ᵀ Pᵀ``
    for orthonormal bases Q of Y and P of Xᵀ, cut to `rank` components. Their Theorem 5.1: the
    squared error before the cut is in expectation at most
    ``s' / (s' − k) · min_ρ (k + ρ − 1) / (k − ρ − 1) ‖A − A_ρ‖²`` with s' = s − 1. With the cut,
    the error is that of the best approximation of rank r and twice this one, at most.

    A test matrix that is to be as large as the side it acts on is the identity, which loses
    nothing: where k = d the result is exact.

    Parameters
    ----------
    passes : Passes
        The matrix A (n x d), not looked at so far; its probe is filled too.
    rank : int
        Directions wanted.
    sketch, seed
        Draw Ω and Ψ, see `lplrcli.linalg.sketching.sketching_operator`; Υ and Φ are Gaussian.
    sketch_size : int
        k, from `rank` to min(n, d).
    """
    rows, columns = passes.shape
    tests = _Tests(rows, sketch_size, core_size(sketch_size, rows), seed, passes.probe)
    width = core_size(sketch_size, columns)
    for_range = _right_operand(sketch, columns, sketch_size, seed, passes.dtype)
    for_core = _right_operand(sketch, columns, width, (seed + 1) % 2**64, passes.dtype)
    image = workspace().empty((rows, sketch_size), passes.dtype)
    task = partial(_sketched, for_range=for_range, for_core=for_core, tests=tests)
    total = passes.sketched(task, RowFiller(image).take)
    if passes.exponent:
        for part in row_blocks(rows):
            np.ldexp(image[part], -passes.exponent, out=image[part])
    beside, core = np.split(total, [(sketch_size + tests.probes) * columns])
    co_range, probed = np.split(beside.reshape(-1, columns), [sketch_size])
    core = core.reshape(tests.core, sketch_size + width)
    # Q = Y W by the Gram matrix: Y may lie in a scratch file, and is known to the last digit of
    # the working precision only. Directions that this loses, a zero column each, are below that.
    values, vectors = np.linalg.eigh(gram_of(image))
    known = values > values[-1] * len(values) * np.finfo(np.float64).eps
    root = np.where(known, vectors / np.sqrt(np.where(known, values, 1.0)), 0.0)
    basis = orthonormal_basis(co_range.T)
    tested = for_core.multiply(np.ascontiguousarray(basis.T, passes.dtype)).astype(np.float64)
    middle = _solved(core[:, :sketch_size] @ root, core[:, sketch_size:])
    left, scale, right = np.linalg.svd(_solved(tested.T, middle.T).T)
    kept = min(rank, sketch_size)
    rotation = (root @ left[:, :kept] * scale[:kept]).astype(passes.dtype)
    projected = transposed(transposed_image(rotation.T, image, passes.threads))
    row_basis = basis @ right[:kept].T
    found = singular_directions(passes, row_basis, projected, "single-pass")
    if passes.probe is None:
        return found
    passes.probe.product = probed
    parts = (projected[part] for part in row_blocks(rows))
    product = passes.probe.times(parts, passes.dtype) @ row_basis.T
    return replace(found, beyond=passes.probe.squared_distance(product))


@dataclass(frozen=True)
class _Tests:
    """Test matrices with a column for every row of A: Υ, Φ and Θ.

    Attributes
    ----------
    length : int
        n.
    co_range, core : int
        Rows of Υ and of Φ.
    seed : int
        Seed of both.
    probe : Probe or None
        Has Θ.
    """

    length: int
    co_range: int
    core: int
    seed: int
    probe: Probe | None

    @property
    def probes(self) -> int:
        """Rows of Θ."""
        return 0 if self.probe is None else self.probe.size

    def beside(self, start: int, stop: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Columns of Υ and Θ, transposed, for a range of rows of A."""
        found = [self._columns(_CO_RANGE, self.co_range, start, stop, dtype)]
        if self.probe is not None:
            found.append(self.probe.test_rows(start, stop, dtype))
        return np.concatenate(found, axis=1)

    def of_core(self, start: int, stop: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Columns of Φ, transposed, for a range of rows of A."""
        return self._columns(_CORE, self.core, start, stop, dtype)

    def _columns(
        self, stream: int, size: int, start: int, stop: int, dtype: np.dtype[Any]
    ) -> NDArray[Any]:
        if size >= self.length:
            return np.eye(stop - start, self.length, start, dtype)
        return gaussian_rows(self.seed, stream, start, stop, size, dtype)


def _right_operand(
    sketch: str, columns: int, size: int, seed: int, dtype: np.dtype[Any]
) -> RightOperand:
    if size >= columns:
        return Dense(np.eye(columns, dtype=dtype))
    return sketching_operator(sketch, columns, size, seed, dtype)


def _sketched(
    block: RowBlock, for_range: RightOperand, for_core: RightOperand, tests: _Tests
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The rows of Y; what the block adds to X, Θ A, Φ Y and Z, flat, one after another."""
    image = for_range.multiply(block.values)
    start, stop = block.start, block.start + len(image)
    beside = transposed_times(block.values, tests.beside(start, stop, image.dtype)).T
    both = np.concatenate([image, for_core.multiply(block.values)], axis=1)
    core = tests.of_core(start, stop, image.dtype).T @ both
    return image, np.concatenate([beside.ravel(), core.ravel()])


def _solved(matrix: NDArray[np.float64], rhs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Least-squares solution of least norm."""
    return np.asarray(np.linalg.lstsq(matrix, rhs, rcond=None)[0], np.float64)
