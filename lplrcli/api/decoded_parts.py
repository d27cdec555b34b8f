"""Factors and means of a compressed matrix as numbers, and products with them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.linalg.operands import scaled
from lplrcli.model.compressed import Factorization
from lplrcli.model.source import working_dtype
from lplrcli.pipeline.decode.entry_types import entry_dtype
from lplrcli.pipeline.decode.factors import decode_factor
from lplrcli.pipeline.decode.kept_chunks import KeptRows
from lplrcli.pipeline.decode.reconstruction import Reconstruction
from lplrcli.pipeline.decode.singular_vectors import Decomposition, decoded_factors, decompose


class DecodedParts:
    """Parts of a matrix A (n x d), each decoded when it is first asked for, and kept.

    Parameters
    ----------
    factorization : Factorization
        The matrix in compressed form.
    threads : int
        The result does not depend on it.
    name : str or None
        Names the file in messages, if there is one.
    """

    def __init__(self, factorization: Factorization, threads: int, name: str | None) -> None:
        self._factorization = factorization
        self._threads = threads
        self._name = name
        self._working = working_dtype(entry_dtype(factorization.dtype))
        self._exponent = factorization.plan.exponent

    @cached_property
    def factors(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """L, shape (n, r), and R, shape (r, d), over ``2**plan.exponent``."""
        return decoded_factors(self._factorization, self._working, self._threads, self._name)

    @cached_property
    def means(self) -> tuple[NDArray[Any] | None, NDArray[Any] | None]:
        """Mean row and mean column, over ``2**plan.exponent``; None where they are not stored."""
        row, column = (
            None if mean is None else decode_factor(mean, self._working, threads=self._threads)[0]
            for mean in self._factorization.means
        )
        return row, column

    @cached_property
    def decomposition(self) -> Decomposition:
        """Singular value decomposition of L R."""
        return decompose(*self.factors, self._exponent, self._name)

    def times(self, x: NDArray[Any]) -> NDArray[Any]:
        """``A x`` for x of shape (d,) or (d, k).

        Raises
        ------
        ValueError
            If x has another shape.
        """
        self._check_operand(x, x.shape[0] if x.ndim in (1, 2) else None, 1)
        if self._sparse is not None:
            return np.concatenate([part @ x for part in self._sparse_parts()])
        if self._by_blocks:
            return np.concatenate([block @ x for block in self.blocks()])
        left, right = self.factors
        product = left @ (right @ x)
        mean_row, mean_column = self.means
        if mean_row is not None:
            product = product + mean_row @ x
        if mean_column is not None:
            product = product + np.multiply.outer(mean_column, x.sum(axis=0))
        return scaled(product, self._exponent)

    def left_times(self, x: NDArray[Any]) -> NDArray[Any]:
        """``x A`` for x of shape (n,) or (k, n).

        Raises
        ------
        ValueError
            If x has another shape.
        """
        self._check_operand(x, x.shape[-1] if x.ndim in (1, 2) else None, 0)
        if not self._by_blocks:
            left, right = self.factors
            product = (x @ left) @ right
            mean_row, mean_column = self.means
            if mean_row is not None:
                product = product + np.multiply.outer(x.sum(axis=-1), mean_row)
            if mean_column is not None:
                product = product + (x @ mean_column)[..., None]
            return scaled(product, self._exponent)
        total: Any = 0
        row = 0
        blocks = self.blocks() if self._sparse is None else self._sparse_parts()
        for block in blocks:
            total = total + x[..., row : row + block.shape[0]] @ block
            row += block.shape[0]
        result: NDArray[Any] = total
        return result

    def blocks(self) -> Iterator[NDArray[Any]]:
        """All rows of A, block by block, in the working precision."""
        # Unrounded: integers of a narrow type would wrap in a product.
        whole = Reconstruction(self._factorization, threads=self._threads, dtype=self._working)
        return whole.blocks()

    @property
    def _by_blocks(self) -> bool:
        """Whether products need the entries, block by block."""
        return self._factorization.residual is not None or self._factorization.kept is not None

    @property
    def _sparse(self) -> KeptRows | None:
        """The entries of a sparse matrix that are stored as such."""
        kept = self._factorization.kept
        return KeptRows(self._factorization) if kept is not None and kept.sparse else None

    def _sparse_parts(self) -> Iterator[Any]:
        """Rows of a sparse matrix as SciPy has them, chunk by chunk, in the working precision."""
        import scipy.sparse as sp

        rows = KeptRows(self._factorization)
        for number in range(len(rows.kept.chunks)):
            part = rows.sparse_chunk(number)
            data = part.data.astype(self._working)
            yield sp.csr_array((data, part.indices, part.indptr), shape=part.shape)

    def _check_operand(self, x: NDArray[Any], found: int | None, side: int) -> None:
        rows, columns = shape = self._factorization.shape
        if found != shape[side]:
            raise ValueError(
                f"cannot multiply a {rows} x {columns} matrix and an array of shape {x.shape}"
            )
