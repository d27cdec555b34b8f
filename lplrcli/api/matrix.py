"""A matrix in compressed form."""

from __future__ import annotations

import io
import math
import operator
import os
from typing import TYPE_CHECKING, Any

from numpy.typing import DTypeLike, NDArray

from lplrcli.api.decoded_parts import DecodedParts
from lplrcli.api.entry_count import EntryCount
from lplrcli.api.linear_map import LinearMap
from lplrcli.api.low_rank_parts import LowRankParts
from lplrcli.api.transposed import TransposedMatrix
from lplrcli.container.reader import Container, open_container
from lplrcli.container.writer import container_size, write_container
from lplrcli.errors import PlanError
from lplrcli.io import AtomicOutput
from lplrcli.model.compressed import Factorization
from lplrcli.model.indexing import ArrayIndex, Box, Gathering, is_basic
from lplrcli.model.plan import CompressionPlan
from lplrcli.model.report import ErrorReport, SizeReport
from lplrcli.model.selection import Selection
from lplrcli.pipeline.decode.entry_types import entry_dtype
from lplrcli.runtime.parallel import usable_cpus

if TYPE_CHECKING:
    from types import TracebackType

CACHE_BYTES = 2**29
"""Bytes of what is decoded that a matrix keeps, unless told otherwise."""


class CompressedMatrix(LowRankParts, LinearMap):
    """A matrix in compressed form, which can be sliced and multiplied as it is.

    Made by `compress` or `open`. Products with L and R never form the matrix: ``c @ x`` costs
    r (n + d) multiplications for each column of x, not n d.

    What has been decoded is kept, up to `cache_bytes`, and serves products and slices. Where a
    residual is stored, or factors would take longer, all of the matrix is decoded for the first
    product, if it has room there; later products are then those of NumPy. What does not fit is
    decoded each time, block by block.

    It can be copied and pickled, as the bytes of its file.

    What was made from an array of three to five dimensions has its shape, is indexed as it is,
    and becomes that array again; products, `left` and `right` are those of the n x d matrix that
    it was unfolded to, of shape `matrix_shape`.

    Parameters
    ----------
    factorization : Factorization
        Quantized factors; those of an opened file are read when first needed.
    container : Container, optional
        The file they come from, closed with this object.
    cache_bytes : int
        Most bytes of what is decoded and kept; the attribute can be set.

    Attributes
    ----------
    shape : tuple of int
        Shape of the array: n and d, or the extents of what was unfolded.
    matrix_shape : tuple of int
        n and d.
    dtype : numpy.dtype
        Type of the original entries, and of what slicing gives back.
    """

    def __init__(
        self,
        factorization: Factorization,
        container: Container | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.factorization = factorization
        self.shape = factorization.array_shape
        self.matrix_shape = factorization.shape
        self._container = container
        self._threads = usable_cpus()
        self.dtype = entry_dtype(factorization.dtype)
        name = None if container is None else container.path
        self._decoded = DecodedParts(factorization, self._threads, name, _checked(cache_bytes))

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
    def size(self) -> EntryCount:
        """Number of entries, as of an array; `size_report` tells the bytes they take."""
        return EntryCount.of(math.prod(self.shape), lambda: self.size_report)

    @property
    def size_report(self) -> SizeReport:
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
    def cache_bytes(self) -> int:
        """Most bytes of what is decoded and kept: 2²⁹ (512 MiB) by default, 0 for nothing."""
        return self._decoded.kept.most

    @cache_bytes.setter
    def cache_bytes(self, most: int) -> None:
        self._decoded.kept.most = _checked(most)

    @property
    def T(self) -> TransposedMatrix:  # noqa: N802 - the name that NumPy has
        """The transpose; it shares what is stored and what is decoded."""
        return TransposedMatrix(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an ``.lplr`` file, whole or not at all; an existing one is replaced.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        with AtomicOutput(os.fsdecode(path), force=True) as stream:
            write_container(stream, [self.factorization])

    def _times(self, x: Any) -> NDArray[Any]:
        return self._decoded.times(x)

    def _left_times(self, x: Any) -> NDArray[Any]:
        return self._decoded.left_times(x)

    def __getitem__(self, index: ArrayIndex | tuple[ArrayIndex, ...]) -> NDArray[Any]:
        """A part of the array, by all of NumPy's indexing.

        Integers, slices, ``...``, ``None``, lists, arrays and masks may be combined. Only the
        chunks needed are decoded.
        """
        part: NDArray[Any]
        if is_basic(index):
            part = self._decoded.part(Selection.of(index, self.shape))[()]  # type: ignore[arg-type]
        else:
            part = self._decoded.gathered(Gathering.of(index, self.shape))
        return part

    def _box(self, box: Box) -> NDArray[Any]:
        return self._decoded.part(box)

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

    def __reduce__(self) -> tuple[Any, ...]:
        stream = io.BytesIO()
        write_container(stream, [self.factorization])
        return _restored, (stream.getvalue(), self.cache_bytes)

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


def _restored(content: bytes, cache_bytes: int) -> CompressedMatrix:
    """Open the bytes of a file, as pickles hold them."""
    container = open_container(io.BytesIO(content), "pickled matrix")
    return CompressedMatrix(container.factorization(0), container, cache_bytes)


def _checked(cache_bytes: int) -> int:
    most = operator.index(cache_bytes)
    if most < 0:
        raise PlanError("cache_bytes is negative", found=most, expected="0 or more")
    return most
