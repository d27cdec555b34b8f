"""Choice of one array of a file that holds several, by one rule for every format."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from shlex import quote
from typing import TYPE_CHECKING, Any

from lplrcli.errors import NotAMatrixError
from lplrcli.io.handles.dtypes import real_dtype
from lplrcli.io.handles.unfolding import MOST_AXES, unfolding_of

if TYPE_CHECKING:
    import numpy as np

MAX_LISTED = 8
_LIKELY = {"b": 0, "i": 1, "u": 1}


@dataclass(frozen=True)
class Candidate:
    """Array of a file that may be the one to compress.

    Attributes
    ----------
    path : str
        Name of the array for ``--dataset``.
    text : str
        Shape and type, for messages.
    is_matrix : bool
        Whether the array is, or unfolds to, a matrix of real numbers.
    likelihood : tuple of int
        How likely the type is, and how many entries there are: what is measured is more often
        meant than what counts, labels or masks it.
    """

    path: str
    text: str
    is_matrix: bool
    likelihood: tuple[int, int] = field(default=(0, 0), compare=False)

    @classmethod
    def of(cls, path: str, shape: Sequence[int], dtype: np.dtype[Any]) -> Candidate:
        """Judge an array by shape and type."""
        text = f"{'x'.join(map(str, shape)) or 'scalar'} {dtype}"
        try:
            real_dtype(dtype, path)
            unfolding_of(shape, path)
        except NotAMatrixError:
            return cls(path, text, False)
        return cls(path, text, True, (_LIKELY.get(dtype.kind, 2), math.prod(shape)))


def only_matrix(candidates: Sequence[Candidate], name: str) -> str:
    """Find the path of the only matrix among the arrays of a file.

    Raises
    ------
    NotAMatrixError
        There is no matrix, or there are several to choose from.
    """
    matrices = [one for one in candidates if one.is_matrix]
    if len(matrices) == 1:
        return matrices[0].path
    if matrices:
        example = max(matrices, key=lambda one: one.likelihood)
        raise NotAMatrixError(
            f"the file holds {len(matrices)} arrays: {_listed(matrices)}",
            path=name,
            advice=f"Choose one with --dataset, for example --dataset {quote(example.path)}.",
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
    """Make the error for a name that no array has; its message lists the names that exist."""
    matrices = [one for one in candidates if one.is_matrix]
    return NotAMatrixError(
        f"{dataset!r} {what}; arrays in the file: {_listed(matrices) or 'none'}",
        path=name,
        advice="Choose one of them with --dataset." if matrices else None,
    )


def _listed(candidates: Sequence[Candidate]) -> str:
    more = f" and {len(candidates) - MAX_LISTED} more" if len(candidates) > MAX_LISTED else ""
    return ", ".join(f"{one.path} ({one.text})" for one in candidates[:MAX_LISTED]) + more
