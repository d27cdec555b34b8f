"""L, R, means and singular vectors of a compressed matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.api.decoded_parts import DecodedParts
from lplrcli.linalg.operands import scaled
from lplrcli.model.compressed import Factorization


class LowRankParts:
    """What a compressed matrix tells of its factors, decoded when it is asked for.

    Attributes
    ----------
    factorization : Factorization
        The matrix in compressed form.
    """

    factorization: Factorization
    _decoded: DecodedParts

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
        return None if row is None else scaled(row, self.factorization.plan.exponent)

    @property
    def mean_column(self) -> NDArray[Any] | None:
        """Mean over the columns, shape (n,), if it is stored apart: it adds to every column.

        Where the mean row is stored too, this is the mean over the columns of what that leaves.
        """
        column = self._decoded.means[1]
        return None if column is None else scaled(column, self.factorization.plan.exponent)

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
