"""Which array of a file is meant, where it holds several: the same rule for every format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lplrcli.errors import NotAMatrixError
from lplrcli.io.handles.dtypes import real_dtype
from lplrcli.io.handles.unfolding import MOST_AXES, unfolding_of

if TYPE_CHECKING:
    import numpy as np

MAX_LISTED = 8


@dataclass(frozen=True)
class Candidate:
    """An array that a file holds.

    Attributes
    ----------
    path : str
        What ``--dataset`` calls it.
    text : str
        Shape and type, for messages.
    is_matrix : bool
        Whether it is, or unfolds to, a matrix of real numbers.
    """

    path: str
    text: str
    is_matrix: bool

    @classmethod
    def of(cls, path: str, shape: Sequence[int], dtype: np.dtype[Any]) -> Candidate:
        """Judge an array by shape and type."""
        text = f"{'x'.join(map(str, shape)) or 'scalar'} {dtype}"
        try:
            real_dtype(dtype, path)
            unfolding_of(shape, path)
        except NotAMatrixError:
            return cls(path, text, False)
        return cls(path, text, True)


def only_matrix(candidates: Sequence[Candidate], name: str) -> str:
    """Path of the only matrix among the arrays of a file.

    Raises
    ------
    NotAMatrixError
        There is none, or there are several to choose from.
    """
    matrices = [one for one in candidates if one.is_matrix]
    if len(matrices) == 1:
        return matrices[0].path
    if matrices:
        raise NotAMatrixError(
            f"the file holds {len(matrices)} arrays: {_listed(matrices)}",
            path=name,
            advice=f"Choose one with --dataset, for example --dataset {matrices[0].path}.",
        )
    raise NotAMatrixError(
        f"the file holds no matrix of real numbers; its datasets: {_listed(candidates) or 'none'}",
        path=name,
        expected=f"a dataset of two to {MOST_AXES} dimensions",
        advice="Name another dataset with --dataset, or reshape it to two dimensions.",
    )


def no_such_dataset(
    dataset: str, candidates: Sequence[Candidate], name: str, what: str = "does not exist"
) -> NotAMatrixError:
    """The error for a name that leads to no array; it lists those that there are."""
    matrices = [one for one in candidates if one.is_matrix]
    return NotAMatrixError(
        f"{dataset!r} {what}; arrays in the file: {_listed(matrices) or 'none'}",
        path=name,
        advice="Choose one of them with --dataset." if matrices else None,
    )


def _listed(candidates: Sequence[Candidate]) -> str:
    more = f" and {len(candidates) - MAX_LISTED} more" if len(candidates) > MAX_LISTED else ""
    return ", ".join(f"{one.path} ({one.text})" for one in candidates[:MAX_LISTED]) + more
