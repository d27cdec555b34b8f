"""What is left of a matrix in a damaged file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lplrcli.container.salvage import salvage_container
from lplrcli.errors import ContainerError
from lplrcli.io.files.seekable import open_seekable
from lplrcli.model.losses import Losses
from lplrcli.pipeline.integrity.recover import LostPart, Recovery
from lplrcli.runtime.parallel import usable_cpus


@dataclass(frozen=True)
class Recovered:
    """A matrix or array of a damaged file.

    Attributes
    ----------
    array : ndarray
        Lost entries are filled.
    losses : Losses
        Which rows and columns of the matrix are lost, and which entries besides.
    lost : tuple of LostPart
        Why: the chunks that are lost, and what depended on each.
    damage : tuple of ContainerError
        What is wrong with file header, index and end.
    """

    array: NDArray[Any]
    losses: Losses
    lost: tuple[LostPart, ...]
    damage: tuple[ContainerError, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing is lost."""
        return not self.losses.entries


def recover(
    path: str | os.PathLike[str],
    *,
    matrix: int = 0,
    dtype: DTypeLike | None = None,
    fill: float | None = None,
    threads: int | None = None,
) -> Recovered:
    """Decode what is left of a matrix in a damaged or truncated ``.lplr`` file.

    Parameters
    ----------
    path : str or path
        The file.
    matrix : int
        Which matrix, of a file that holds several.
    dtype : dtype, optional
        Type of the entries. By default the original one; where that is of integers or bool,
        entries are lost and no `fill` is given, float32 if it holds them all, else float64.
    fill : float, optional
        Stands for lost entries; NaN by default.
    threads : int, optional
        All usable processors by default.

    Returns
    -------
    Recovered
        All entries but the lost ones are what the whole file decodes to.

    Raises
    ------
    InputError
        If the file cannot be read.
    ContainerError
        If nothing of the matrix is left, or it is no ``.lplr`` file.
    PlanError
        If the type does not hold `fill`.

    Examples
    --------
    >>> import numpy as np
    >>> import lplrcli
    >>> lplrcli.compress(np.ones((100, 50), np.float32), rank=1, bits=2).save("a.lplr")
    >>> recovered = lplrcli.recover("a.lplr")
    >>> recovered.array.shape, recovered.losses.rows
    ((100, 50), ())
    """
    file, name, _ = open_seekable(os.fsdecode(path))
    with file, salvage_container(file, name) as salvage:
        recovery = Recovery(
            salvage.factorization(matrix),
            name,
            threads or usable_cpus(),
            None if dtype is None else np.dtype(dtype),
            fill,
        )
        return Recovered(recovery.array(), recovery.losses, recovery.lost, salvage.damage)
