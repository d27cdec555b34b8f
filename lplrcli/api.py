"""The public Python interface: compress, open, and what both give back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lplrcli.container.reader import Container, open_container
from lplrcli.container.writer import container_size, write_container
from lplrcli.io import AtomicOutput, open_array, open_source
from lplrcli.io.spool import open_seekable
from lplrcli.linalg.operands import scaled
from lplrcli.model.compressed import Factorization
from lplrcli.model.parallel import usable_cpus
from lplrcli.model.plan import CompressionPlan
from lplrcli.model.report import ErrorReport, SizeReport
from lplrcli.model.source import working_dtype
from lplrcli.pipeline import compress as pipeline
from lplrcli.pipeline.decompress import Reconstruction, entry_dtype
from lplrcli.pipeline.factors import decode_factor

if TYPE_CHECKING:
    from types import TracebackType

Index = int | slice


class CompressedMatrix:
    """A matrix in compressed form, which can be sliced and multiplied as it is.

    Made by `compress` or `open`. Products with it never form the matrix: ``c @ x`` costs
    r (n + d) multiplications for each column of x, not n d.

    Parameters
    ----------
    factorization : Factorization
        Quantized factors; those of an opened file are read when first needed.
    container : Container, optional
        The file they come from, closed with this object.

    Attributes
    ----------
    shape : tuple of int
        n and d.
    dtype : numpy.dtype
        Of the original entries, and of what slicing gives back.
    """

    ndim = 2
    # Let `ndarray @ c` come to `__rmatmul__` instead of turning c into an array.
    __array_ufunc__ = None

    def __init__(self, factorization: Factorization, container: Container | None = None) -> None:
        self.factorization = factorization
        self.shape = factorization.shape
        self._container = container
        self._threads = usable_cpus()
        self._factors: tuple[NDArray[Any], NDArray[Any]] | None = None
        self.dtype = entry_dtype(factorization.dtype)
        self._working = working_dtype(self.dtype)

    @property
    def rank(self) -> int:
        """Components stored; 0 for a matrix coded directly."""
        return self.factorization.rank

    @property
    def plan(self) -> CompressionPlan:
        """What was asked and what was decided."""
        return self.factorization.plan

    @property
    def report(self) -> ErrorReport:
        """The error measured when the matrix was compressed."""
        return self.factorization.report

    @property
    def size(self) -> SizeReport:
        """Bytes of the file: of the one opened, or of the one `save` will write."""
        file_bytes = (
            self._container.file_bytes
            if self._container is not None
            else container_size([self.factorization])
        )
        entries = self.shape[0] * self.shape[1]
        return SizeReport(
            file_bytes, 8 * file_bytes / entries, entries * self.dtype.itemsize / file_bytes
        )

    @property
    def left(self) -> NDArray[Any]:
        """Decoded L, shape (n, r); ``2**plan.exponent * left @ right`` is the matrix."""
        return self._decoded()[0]

    @property
    def right(self) -> NDArray[Any]:
        """Decoded R, shape (r, d)."""
        return self._decoded()[1]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an ``.lplr`` file, whole or not at all; an existing one is replaced.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        with AtomicOutput(os.fspath(path), force=True) as stream:
            write_container(stream, [self.factorization])

    def __matmul__(self, other: Any) -> NDArray[Any]:
        """``A x`` for a vector or matrix x, from the factors."""
        x = np.asarray(other)
        self._check_operand(x, x.shape[0] if x.ndim in (1, 2) else None, self.shape[1])
        if self.factorization.residual is None:
            return scaled(self.left @ (self.right @ x), self.plan.exponent)
        return np.concatenate([block @ x for block in self._blocks()])

    def __rmatmul__(self, other: Any) -> NDArray[Any]:
        """``x A`` for a vector or matrix x, from the factors."""
        x = np.asarray(other)
        self._check_operand(x, x.shape[-1] if x.ndim in (1, 2) else None, self.shape[0])
        if self.factorization.residual is None:
            return scaled((x @ self.left) @ self.right, self.plan.exponent)
        total: Any = 0
        row = 0
        for block in self._blocks():
            total = total + x[..., row : row + len(block)] @ block
            row += len(block)
        result: NDArray[Any] = total
        return result

    def __getitem__(self, index: Index | tuple[Index, ...]) -> NDArray[Any]:
        """Entries, rows or columns, by integers and slices; only their chunks are decoded."""
        given = index if isinstance(index, tuple) else (index,)
        if len(given) > 2:
            raise IndexError(f"too many indices: a matrix has 2 axes, {len(given)} were given")
        rows, columns = (*given, slice(None), slice(None))[:2]
        row_range, row_pick = _normalised(rows, self.shape[0])
        column_range, column_pick = _normalised(columns, self.shape[1])
        part = Reconstruction(self.factorization, column_range, self._threads)
        blocks = list(part.blocks(row_range))
        empty = np.empty((0, column_range.stop - column_range.start), self.dtype)
        values = np.concatenate(blocks) if blocks else empty
        picked: NDArray[Any] = values[row_pick, :][..., column_pick]
        return picked

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("a compressed matrix can only be made into an array by decoding it")
        values = self[:]
        return values if dtype is None else values.astype(dtype)

    def __repr__(self) -> str:
        rows, columns = self.shape
        error = self.report.relative_frobenius_error
        return (
            f"<CompressedMatrix {rows} x {columns} {self.dtype}, {self.plan.target.method}, "
            f"rank {self.rank}, error {error:.4g}>"
        )

    def close(self) -> None:
        """Close the file this matrix was opened from, if any."""
        if self._container is not None:
            self._container.close()

    def __enter__(self) -> CompressedMatrix:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _decoded(self) -> tuple[NDArray[Any], NDArray[Any]]:
        if self._factors is None:
            left, right = self.factorization.left, self.factorization.right
            if left is None or right is None:
                raise ValueError("a matrix coded directly has no factors")
            self._factors = (
                decode_factor(left, self._working, threads=self._threads).T,
                decode_factor(right, self._working, threads=self._threads),
            )
        return self._factors

    def _blocks(self) -> Iterator[NDArray[Any]]:
        # Unrounded: integers of a narrow type would wrap in a product.
        unrounded = Reconstruction(self.factorization, threads=self._threads, dtype=self._working)
        return unrounded.blocks()

    def _check_operand(self, x: NDArray[Any], found: int | None, expected: int) -> None:
        if found != expected:
            raise ValueError(
                f"cannot multiply a {self.shape[0]} x {self.shape[1]} matrix and an array of "
                f"shape {x.shape}"
            )


def compress(
    matrix: Any,
    rank: int | None = None,
    bits: int | None = None,
    *,
    bits_right: int | None = None,
    bpc: float | None = None,
    ratio: float | None = None,
    size: int | None = None,
    rel_error: float | None = None,
    max_abs_error: float | None = None,
    mode: str | None = None,
    method: str | None = None,
    sketch: str | None = None,
    oversampling: int | None = None,
    power_iterations: int | None = None,
    seed: int = 0,
    dataset: str | None = None,
    threads: int | None = None,
) -> CompressedMatrix:
    """Compress a matrix by low rank and low precision.

    Parameters
    ----------
    matrix : str, path or array
        A ``.npy``, HDF5 or Matrix Market file, or anything with ``shape``, ``dtype`` and row
        slices: an array, a memory map, an h5py dataset, a SciPy sparse matrix.
    rank : int, optional
        Most components kept. Needed where neither a size nor an error is asked for.
    bits : int, optional
        Bits per factor entry, 1 to 16, 4 by default: the mean over all entries, at most. Not
        together with a size or an error.
    bits_right : int, optional
        For the right factor, if not the same.
    bpc, ratio, size : float, float, int, optional
        Most bits per coordinate, least compression ratio, or most bytes, of the whole file.
    rel_error : float, optional
        Largest relative Frobenius error; 0 for no error at all.
    max_abs_error : float, optional
        Largest absolute error of any entry.
    mode : str, optional
        ``factors``, ``factors+residual`` or ``direct``; the best for the matrix by default.
    method : str, optional
        ``rate-distortion`` or ``packed``, by what is asked; or one of the paper's, ``lplr``,
        ``lsvd``, ``dsvd``, ``nq``.
    sketch, oversampling, power_iterations, seed
        See `lplrcli.pipeline.compress.compress`.
    dataset : str, optional
        Which dataset of an HDF5 file.
    threads : int, optional
        All usable processors by default; the result does not depend on it.

    Raises
    ------
    InputError
        If the matrix cannot be read, is not one, or holds NaN or infinity.
    PlanError
        If the options contradict each other.
    TargetUnreachableError
        If the size or the error cannot be reached.

    Examples
    --------
    >>> c = compress(np.ones((100, 50), np.float32), rank=1, bits=2)
    >>> c.shape, c.rank
    ((100, 50), 1)
    """
    is_path = isinstance(matrix, (str, os.PathLike))
    source = (
        open_source(os.fspath(matrix), dataset=dataset, threads=threads)
        if is_path
        else open_array(matrix, threads=threads)
    )
    with source:
        return CompressedMatrix(
            pipeline.compress(
                source,
                method=method,
                rank=rank,
                bits=bits,
                bits_right=bits_right,
                bpc=bpc,
                ratio=ratio,
                size=size,
                rel_error=rel_error,
                max_abs_error=max_abs_error,
                mode=mode,
                sketch=sketch,
                oversampling=oversampling,
                power_iterations=power_iterations,
                seed=seed,
                threads=threads,
            )
        )


def open(path: str | os.PathLike[str], matrix: int = 0) -> CompressedMatrix:  # noqa: A001
    """Open an ``.lplr`` file; factors are read when first needed.

    Parameters
    ----------
    path : str or path
        The file.
    matrix : int
        Which matrix, of a file that holds several.

    Raises
    ------
    InputError
        If there is no such file.
    ContainerError
        If it is not an ``.lplr`` file, or is damaged.
    """
    file, name, _ = open_seekable(os.fspath(Path(path)))
    try:
        container = open_container(file, name)
    except BaseException:
        file.close()
        raise
    try:
        return CompressedMatrix(container.factorization(matrix), container)
    except BaseException:
        container.close()
        raise


def _normalised(index: Index, size: int) -> tuple[slice, Any]:
    """A range with step 1 that covers `index`, and what to pick from it."""
    if isinstance(index, slice):
        start, stop, step = index.indices(size)
        wanted = range(start, stop, step)
        if not wanted:
            return slice(0, 0), slice(None)
        low, high = min(wanted[0], wanted[-1]), max(wanted[0], wanted[-1])
        return slice(low, high + 1), slice(None, None, step)
    try:
        position = index.__index__()
    except AttributeError:
        raise TypeError(f"indices must be integers or slices, not {type(index).__name__}") from None
    if not -size <= position < size:
        raise IndexError(f"index {position} is out of range for an axis of size {size}")
    position %= size
    return slice(position, position + 1), 0
