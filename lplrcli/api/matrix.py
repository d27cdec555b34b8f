"""A matrix in compressed form."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lplrcli.api.decoded_parts import DecodedParts
from lplrcli.container.reader import Container
from lplrcli.container.writer import container_size, write_container
from lplrcli.io import AtomicOutput
from lplrcli.linalg.operands import scaled
from lplrcli.model.compressed import Factorization
from lplrcli.model.plan import CompressionPlan
from lplrcli.model.report import ErrorReport, SizeReport
from lplrcli.model.selection import Index, Selection
from lplrcli.pipeline.decode.array_part import Part
from lplrcli.pipeline.decode.entry_types import entry_dtype
from lplrcli.runtime.parallel import usable_cpus

if TYPE_CHECKING:
    from types import TracebackType


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
        Shape of the array: n and d, or the extents of what was unfolded.
    matrix_shape : tuple of int
        n and d.
    dtype : numpy.dtype
        Type of the original entries, and of what slicing gives back.
    """

    # Let `ndarray @ c` come to `__rmatmul__` instead of turning c into an array.
    __array_ufunc__ = None

    def __init__(self, factorization: Factorization, container: Container | None = None) -> None:
        self.factorization = factorization
        self.shape = factorization.array_shape
        self.matrix_shape = factorization.shape
        self._container = container
        self._threads = usable_cpus()
        self.dtype = entry_dtype(factorization.dtype)
        name = None if container is None else container.path
        self._decoded = DecodedParts(factorization, self._threads, name)

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
        """Bytes of the file opened, or of the one that `save` will write."""
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

        A residual, and means that are stored apart, come on top.
        """
        return self._decoded.factors[0]

    @property
    def right(self) -> NDArray[Any]:
        """Decoded R, shape (r, d)."""
        return self._decoded.factors[1]

    @property
    def mean_row(self) -> NDArray[Any] | None:
        """Mean over the rows, shape (d,), if it is stored apart: it adds to every row of L R."""
        row = self._decoded.means[0]
        return None if row is None else scaled(row, self.plan.exponent)

    @property
    def mean_column(self) -> NDArray[Any] | None:
        """Mean over the columns, shape (n,), if it is stored apart: it adds to every column.

        Where the mean row is stored too, this is the mean over the columns of what that leaves.
        """
        column = self._decoded.means[1]
        return None if column is None else scaled(column, self.plan.exponent)

    @property
    def singular_values(self) -> NDArray[np.float64]:
        """Singular values of the decoded L R, shape (rank,), descending.

        Computed from the factors, without forming the matrix, and kept. In mode ``factors`` L R is
        all of the decoded matrix, but for its rounding to `dtype`. In mode ``factors+residual``
        they are those of L R alone, without the residual. Where means are stored apart, L R is the
        fluctuation around them.

        Raises
        ------
        PlanError
            If the matrix was coded directly: there are no factors.
        """
        return self._decoded.decomposition.singular_values

    def modes(self, k: int | None = None, side: str = "left") -> NDArray[np.float64]:
        """First singular vectors of the decoded L R: proper orthogonal modes of snapshots.

        They are those of the fluctuation where means are stored apart (``center="mean-column"``
        for snapshots as columns); no mean is subtracted otherwise. The best approximation of L R
        by k modes is ``c.modes(k) @ c.coefficients(k)``. See `singular_values` for what L R is in
        each mode of compression.

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
        return self._decoded.decomposition.modes(k, side)

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
        return self._decoded.decomposition.coefficients(k, side)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an ``.lplr`` file, whole or not at all; an existing one is replaced.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        with AtomicOutput(os.fsdecode(path), force=True) as stream:
            write_container(stream, [self.factorization])

    def __matmul__(self, other: Any) -> NDArray[Any]:
        """``A x`` for a vector or matrix x, from the factors."""
        return self._decoded.times(np.asarray(other))

    def __rmatmul__(self, other: Any) -> NDArray[Any]:
        """``x A`` for a vector or matrix x, from the factors."""
        return self._decoded.left_times(np.asarray(other))

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
