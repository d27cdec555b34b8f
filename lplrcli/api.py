"""The public Python interface: compress, append, open, and what they give back."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lplrcli.container.reader import Container, open_container
from lplrcli.container.rewriter import rewrite_container
from lplrcli.container.writer import container_size, write_container
from lplrcli.errors import PlanError
from lplrcli.io import AtomicOutput, UnfoldingRequest, open_array, open_source
from lplrcli.io.raw import RawLayout
from lplrcli.io.spool import open_seekable
from lplrcli.io.unchanged import Unchanged
from lplrcli.linalg.operands import scaled
from lplrcli.model.compressed import Factorization
from lplrcli.model.parallel import usable_cpus
from lplrcli.model.plan import CompressionPlan
from lplrcli.model.report import AppendReport, ErrorReport, SizeReport
from lplrcli.model.selection import Index, Selection
from lplrcli.model.source import working_dtype
from lplrcli.model.workspace import limited_memory
from lplrcli.pipeline import compress as pipeline
from lplrcli.pipeline.append import append as append_rows
from lplrcli.pipeline.decompress import Reconstruction, entry_dtype
from lplrcli.pipeline.factors import decode_factor
from lplrcli.pipeline.modes import Decomposition, decoded_factors, decompose
from lplrcli.pipeline.slicing import Part
from lplrcli.pipeline.unfolding_choice import best_unfolded

if TYPE_CHECKING:
    from types import TracebackType

    from distributed import Client


class CompressedMatrix:
    """A matrix in compressed form, which can be sliced and multiplied as it is.

    Made by `compress` or `open`. Products with it never form the matrix: ``c @ x`` costs
    r (n + d) multiplications for each column of x, not n d.

    What was made from an array of three to five dimensions has its shape, is indexed as it is,
    and becomes that array again; products, `left` and `right` are those of the n x d matrix that
    it was unfolded to, of shape `matrix_shape`.

    Parameters
    ----------
    factorization : Factorization
        Quantized factors; those of an opened file are read when first needed.
    container : Container, optional
        The file they come from, closed with this object.

    Attributes
    ----------
    shape : tuple of int
        Of the array: n and d, or the extents of what was unfolded.
    matrix_shape : tuple of int
        n and d.
    dtype : numpy.dtype
        Of the original entries, and of what slicing gives back.
    """

    # Let `ndarray @ c` come to `__rmatmul__` instead of turning c into an array.
    __array_ufunc__ = None

    def __init__(self, factorization: Factorization, container: Container | None = None) -> None:
        self.factorization = factorization
        self.shape = factorization.array_shape
        self.matrix_shape = factorization.shape
        self._container = container
        self._threads = usable_cpus()
        self._factors: tuple[NDArray[Any], NDArray[Any]] | None = None
        self.dtype = entry_dtype(factorization.dtype)
        self._working = working_dtype(self.dtype)

    @property
    def ndim(self) -> int:
        """Axes of the array."""
        return len(self.shape)

    @property
    def unfold(self) -> int:
        """How many leading axes of the array are the rows of the matrix."""
        return self.factorization.unfold

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
        entries = self.matrix_shape[0] * self.matrix_shape[1]
        return SizeReport(
            file_bytes, 8 * file_bytes / entries, entries * self.dtype.itemsize / file_bytes
        )

    @property
    def left(self) -> NDArray[Any]:
        """Decoded L, shape (n, r); ``2**plan.exponent * left @ right`` is the matrix.

        But for a residual, and for means that are stored apart.
        """
        return self._decoded()[0]

    @property
    def right(self) -> NDArray[Any]:
        """Decoded R, shape (r, d)."""
        return self._decoded()[1]

    @property
    def mean_row(self) -> NDArray[Any] | None:
        """Mean over the rows, shape (d,), if it is stored apart: it adds to every row of L R."""
        row = self._means[0]
        return None if row is None else scaled(row, self.plan.exponent)

    @property
    def mean_column(self) -> NDArray[Any] | None:
        """Mean over the columns, shape (n,), if it is stored apart: it adds to every column.

        Where the mean row is stored too, the mean over the columns of what that leaves.
        """
        column = self._means[1]
        return None if column is None else scaled(column, self.plan.exponent)

    @property
    def singular_values(self) -> NDArray[np.float64]:
        """Singular values of the decoded L R, shape (rank,), descending.

        From the factors, without forming the matrix; kept. In mode ``factors`` L R is all of the
        decoded matrix, but for its rounding to `dtype`. In mode ``factors+residual`` they are
        those of L R alone, without the residual. Where means are stored apart, L R is the
        fluctuation around them.

        Raises
        ------
        PlanError
            If the matrix was coded directly: there are no factors.
        """
        return self._decomposition.singular_values

    def modes(self, k: int | None = None, side: str = "left") -> NDArray[np.float64]:
        """First singular vectors of the decoded L R: proper orthogonal modes of snapshots.

        Of the fluctuation where means are stored apart (``center="mean-column"`` for snapshots as
        columns); no mean is subtracted otherwise. ``c.modes(k) @ c.coefficients(k)`` is the best
        approximation of L R by k modes. See `singular_values` for what L R is in each mode of
        compression.

        Parameters
        ----------
        k : int, optional
            How many; all by default.
        side : str
            ``left`` where snapshots are columns, ``right`` where they are rows.

        Returns
        -------
        ndarray of float64, shape (n, k) or (d, k)
            Orthonormal columns. The entry of largest magnitude of a left vector is positive;
            the right vector has the sign that goes with it, so that both sides are one
            decomposition.

        Raises
        ------
        PlanError
            If there are fewer than k, no such side, or no factors.
        """
        return self._decomposition.modes(k, side)

    def coefficients(self, k: int | None = None, side: str = "left") -> NDArray[np.float64]:
        """Coefficients of the decoded L R in its first modes: for each snapshot, one a mode.

        Parameters
        ----------
        k, side
            As in `modes`.

        Returns
        -------
        ndarray of float64, shape (k, d) or (n, k)
            ``Σ Vᵀ``, so that ``modes(k) @ coefficients(k)`` approximates L R; for the side
            ``right`` ``U Σ``, so that ``coefficients(k, "right") @ modes(k, "right").T`` does.

        Raises
        ------
        PlanError
            If there are fewer than k, no such side, or no factors.
        """
        return self._decomposition.coefficients(k, side)

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
        self._check_operand(x, x.shape[0] if x.ndim in (1, 2) else None, self.matrix_shape[1])
        if self.factorization.residual is None:
            product = self.left @ (self.right @ x)
            mean_row, mean_column = self._means
            if mean_row is not None:
                product = product + mean_row @ x
            if mean_column is not None:
                product = product + np.multiply.outer(mean_column, x.sum(axis=0))
            return scaled(product, self.plan.exponent)
        return np.concatenate([block @ x for block in self._blocks()])

    def __rmatmul__(self, other: Any) -> NDArray[Any]:
        """``x A`` for a vector or matrix x, from the factors."""
        x = np.asarray(other)
        self._check_operand(x, x.shape[-1] if x.ndim in (1, 2) else None, self.matrix_shape[0])
        if self.factorization.residual is None:
            product = (x @ self.left) @ self.right
            mean_row, mean_column = self._means
            if mean_row is not None:
                product = product + np.multiply.outer(x.sum(axis=-1), mean_row)
            if mean_column is not None:
                product = product + (x @ mean_column)[..., None]
            return scaled(product, self.plan.exponent)
        total: Any = 0
        row = 0
        for block in self._blocks():
            total = total + x[..., row : row + len(block)] @ block
            row += len(block)
        result: NDArray[Any] = total
        return result

    def __getitem__(self, index: Index | tuple[Index, ...]) -> NDArray[Any]:
        """A part of the array, by integers and slices as NumPy has it.

        Only the chunks needed are decoded.
        """
        selection = Selection.of(index, self.shape)
        part: NDArray[Any] = Part(self.factorization, selection, self._threads).array()[()]
        return part

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("a compressed matrix can only be made into an array by decoding it")
        values = self[...]
        return values if dtype is None else values.astype(dtype)

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.shape))
        if self.shape != self.matrix_shape:
            shape += f" as {self.matrix_shape[0]} x {self.matrix_shape[1]}"
        error = self.report.relative_frobenius_error
        return (
            f"<CompressedMatrix {shape} {self.dtype}, {self.plan.target.method}, "
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
            self._factors = decoded_factors(
                self.factorization, self._working, self._threads, self._name
            )
        return self._factors

    @cached_property
    def _means(self) -> tuple[NDArray[Any] | None, NDArray[Any] | None]:
        """Mean row and mean column, over ``2**plan.exponent``."""
        row, column = (
            None if mean is None else decode_factor(mean, self._working, threads=self._threads)[0]
            for mean in self.factorization.means
        )
        return row, column

    @cached_property
    def _decomposition(self) -> Decomposition:
        return decompose(*self._decoded(), self.plan.exponent, self._name)

    @property
    def _name(self) -> str | None:
        return self._container.path if self._container is not None else None

    def _blocks(self) -> Iterator[NDArray[Any]]:
        # Unrounded: integers of a narrow type would wrap in a product.
        unrounded = Reconstruction(self.factorization, threads=self._threads, dtype=self._working)
        return unrounded.blocks()

    def _check_operand(self, x: NDArray[Any], found: int | None, expected: int) -> None:
        if found != expected:
            raise ValueError(
                f"cannot multiply a {self.matrix_shape[0]} x {self.matrix_shape[1]} matrix and an "
                f"array of shape {x.shape}"
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
    transform: str | None = None,
    center: str | None = None,
    passes: int | None = None,
    method: str | None = None,
    sketch: str | None = None,
    oversampling: int | None = None,
    power_iterations: int | None = None,
    seed: int = 0,
    dataset: str | None = None,
    shape: Sequence[int] | None = None,
    dtype: DTypeLike | None = None,
    order: Literal["C", "F"] = "C",
    unfold: int | Literal["auto"] | None = None,
    row_grid: Sequence[int] | None = None,
    column_grid: Sequence[int] | None = None,
    threads: int | None = None,
    memory_limit: int | None = None,
    scheduler: str | Client | None = None,
) -> CompressedMatrix:
    """Compress a matrix, or an array unfolded to one, by low rank and low precision.

    Parameters
    ----------
    matrix : str, path, sequence of them, or array
        A ``.npy``, ``.npz`` (SciPy's sparse ones too), HDF5, Zarr, safetensors or Matrix Market
        file, or one of raw numbers; several files are joined along the first axis. Or anything
        with ``shape``, ``dtype`` and row slices: an array, a memory map, an h5py dataset, a Zarr
        array, a SciPy sparse matrix, a dask array. Of two to five dimensions.
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
    transform : str, optional
        Of factors and fields, over their grids: ``dct``, ``cdf97`` or ``cdf97-tensor`` where it
        pays, of factors ``klt`` too, ``none``; the best by default.
    center : str, optional
        Means stored apart from the factors: ``mean-row`` (the mean over the rows, 1 x d),
        ``mean-column`` (the mean over the columns, n x 1; the mean field where snapshots are
        columns), ``both``, or ``auto``, which looks at every choice first and stores means where
        error or size is predicted to be 3 % less. ``none`` by default; and for no error at all.
    passes : int, optional
        How often the matrix may be read, the measurement included. With 1 or 2 the error is
        estimated (``report.exact`` is False), and a size needs a rank too; an error needs 3 or
        more. With 1 an ``.npy`` file that is a pipe is not copied first.
    method : str, optional
        ``rate-distortion`` or ``packed``, by what is asked; or one of the paper's, ``lplr``,
        ``lsvd``, ``dsvd``, ``nq``.
    sketch, oversampling, power_iterations, seed
        See `lplrcli.pipeline.compress.compress`.
    dataset : str, optional
        Which array of a ``.npz``, HDF5, Zarr or safetensors file.
    shape, dtype : sequence of int, dtype or str, optional
        The file is raw numbers without a header: shape and type of the array, such as ``">f4"``.
        Both or neither.
    order : str
        Of raw numbers: ``C`` where the last axis varies fastest, ``F`` where the first does.
    unfold : int or "auto", optional
        How many of the first axes of an array become the rows of the matrix; 1 by default.
        ``auto`` looks at every choice first, and takes the one with the least predicted error, or
        size; not for a rank alone.
    row_grid, column_grid : sequence of int, optional
        Of a matrix whose rows or columns are a grid that was flattened already: its extents.
    threads : int, optional
        All usable processors by default; the result does not depend on it.
    memory_limit : int, optional
        Bytes that this process may have resident, what it has already included: what exceeds
        them lies in scratch files, and the result does not depend on it. By default three
        quarters of what is free more than it has.
    scheduler : str or distributed.Client, optional
        Of a dask cluster whose workers read the matrix and do the passes: its address such as
        ``tcp://host:8786``, or a client. For paths that the workers can open, or a dask array,
        which is worked on where its active client computes it by default. The result does not
        depend on it.

    Raises
    ------
    MemoryLimitError
        If more memory is needed than that.
    InputError
        If the matrix cannot be read, is not one, or holds NaN or infinity.
    PlanError
        If the options contradict each other or the shape.
    TargetUnreachableError
        If the size or the error cannot be reached.
    ClusterError
        If the cluster cannot be used, or loses the same work too often.

    Examples
    --------
    >>> c = compress(np.ones((100, 50), np.float32), rank=1, bits=2)
    >>> c.shape, c.rank
    ((100, 50), 1)
    """
    paths = _paths(matrix)
    layout = None
    if shape is not None or dtype is not None:
        if paths is None or shape is None or dtype is None:
            raise PlanError("shape and dtype say what a file of raw numbers holds, both together")
        layout = RawLayout.of(shape, dtype, order)
    request = UnfoldingRequest(
        None if unfold is None or unfold == "auto" else operator.index(unfold),
        None if row_grid is None else tuple(map(operator.index, row_grid)),
        None if column_grid is None else tuple(map(operator.index, column_grid)),
    )
    opening: dict[str, Any] = {"request": request, "threads": threads, "scheduler": scheduler}
    source = (
        open_array(matrix, **opening)
        if paths is None
        else open_source(paths, dataset=dataset, layout=layout, once=passes == 1, **opening)
    )
    asked: dict[str, Any] = {
        "method": method,
        "rank": rank,
        "bits": bits,
        "bits_right": bits_right,
        "bpc": bpc,
        "ratio": ratio,
        "size": size,
        "rel_error": rel_error,
        "max_abs_error": max_abs_error,
        "mode": mode,
        "transform": transform,
        "center": center,
        "passes": passes,
        "sketch": sketch,
        "oversampling": oversampling,
        "power_iterations": power_iterations,
        "seed": seed,
    }
    with limited_memory(memory_limit), source:
        if unfold == "auto":
            source = best_unfolded(source, threads or usable_cpus(), None, **asked)
        return CompressedMatrix(pipeline.compress(source, threads=threads, **asked))


def append(
    path: str | os.PathLike[str],
    rows: Any,
    *,
    output: str | os.PathLike[str] | None = None,
    matrix: int = 0,
    rel_error: float | None = None,
    dataset: str | None = None,
    threads: int | None = None,
    memory_limit: int | None = None,
) -> AppendReport:
    """Append rows to the matrix in an ``.lplr`` file, or slabs to the array along its first axis.

    They are projected on the right factor of the file and coded as its rows were; what those
    decode to does not change. The file is replaced at once, when everything has been written and
    measured; whatever goes wrong, it is as it was.

    Parameters
    ----------
    path : str or path
        The ``.lplr`` file.
    rows : str, path, list of them, or array
        As `compress` takes them, of the type and width of the matrix.
    output : str or path, optional
        Another file to write; an existing one is replaced.
    matrix : int
        Which matrix, of a file that holds several.
    rel_error : float, optional
        Largest relative Frobenius error of the new rows. By default what was asked of the file;
        where no error was, 1.1 times the one it has.
    dataset : str, optional
        Which array of a file `rows` that may hold several.
    threads : int, optional
        All usable processors by default; the result does not depend on it.
    memory_limit : int, optional
        As for `compress`.

    Returns
    -------
    AppendReport
        The error of the new rows, and of all.

    Raises
    ------
    InputError
        If the rows cannot be read, hold NaN or infinity, or are of another shape or type.
    PlanError
        If the file is one that no rows can follow: its left factor is transformed, above all.
    TargetUnreachableError
        If the rows do not fit the right factor and the precision of the file.
    ContainerError
        If it is not an ``.lplr`` file, or is damaged.
    OutputError
        If it cannot be written.

    Examples
    --------
    >>> compress(np.ones((100, 50), np.float32), rank=1, bits=2).save("a.lplr")
    >>> append("a.lplr", np.ones((3, 50), np.float32)).rows
    3
    """
    name = os.fspath(path)
    target = name if output is None else os.fspath(output)
    unchanged = Unchanged(target)
    inputs = _paths(rows)
    source = (
        open_array(rows, threads=threads)
        if inputs is None
        else open_source(inputs, dataset=dataset, threads=threads)
    )
    inputs = inputs or []
    if output is not None:
        inputs.append(name)
    with (
        limited_memory(memory_limit),
        source,
        _opened(name) as container,
        AtomicOutput(target, force=True, inputs=inputs) as stream,
    ):
        factorization = container.factorization(matrix)
        done = append_rows(
            source, factorization, rel_error=rel_error, threads=threads, path=container.path
        )
        written = rewrite_container(stream, container, matrix, done.factorization)
        unchanged.check()
    return AppendReport(done.rows, done.added, done.limit, done.factorization.report, written)


def _paths(matrix: Any) -> list[str] | None:
    """Names of the files, None where it is no file."""
    if isinstance(matrix, (str, os.PathLike)):
        return [os.fspath(matrix)]
    if not isinstance(matrix, (list, tuple)) or not matrix:
        return None
    if not all(isinstance(one, (str, os.PathLike)) for one in matrix):
        return None
    return [os.fspath(one) for one in matrix]


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
    container = _opened(os.fspath(Path(path)))
    try:
        return CompressedMatrix(container.factorization(matrix), container)
    except BaseException:
        container.close()
        raise


def _opened(path: str) -> Container:
    file, name, _ = open_seekable(path)
    try:
        return open_container(file, name)
    except BaseException:
        file.close()
        raise
