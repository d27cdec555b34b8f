"""What all sources of a matrix have in common, whatever maps its blocks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from types import TracebackType

    import numpy as np

    from lplrcli.model.source import Unfolding


class Described(Protocol):
    """Anything that says what a matrix is like, as a `Description` or a `Handle` does."""

    @property
    def unfolding(self) -> Unfolding:
        """The array that the matrix was, and the grids of its sides."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the entries as stored, in native byte order."""
        ...

    @property
    def sparse(self) -> bool:
        """Whether blocks are `CsrRows`."""
        ...

    @property
    def block_rows(self) -> int:
        """Rows of every block but the last."""
        ...


@dataclass(frozen=True)
class Description:
    """What a matrix is like, without its entries; as in `lplrcli.model.source.MatrixSource`."""

    unfolding: Unfolding
    dtype: np.dtype[Any]
    sparse: bool
    block_rows: int
    format: str

    @classmethod
    def of(cls, source: SourceBase) -> Description:
        """Describe an open matrix."""
        return cls(source.unfolding, source.dtype, source.sparse, source.block_rows, source.format)


class SourceBase(ABC):
    """A `MatrixSource` but for its visits; closed at the end of a ``with`` statement.

    Parameters
    ----------
    described : Described
        Says what the matrix is like.
    name : str
        Path or other name, for messages.
    format : str
        Key of the input format, or ``"array"``.
    observer : callable, optional
        Called with (rows done, rows in total) as a pass goes on.
    """

    def __init__(
        self,
        described: Described,
        name: str,
        format: str,  # noqa: A002 - as in MatrixSource
        observer: Callable[[int, int], None] | None,
    ) -> None:
        self._described = described
        self.name = name
        self.format = format
        self.observer = observer
        self._bytes_read = 0

    @property
    def bytes_read(self) -> int:
        """Bytes taken from the matrix so far; see `lplrcli.model.source.MatrixSource`."""
        return self._bytes_read

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.unfolding.matrix_shape

    @property
    def unfolding(self) -> Unfolding:
        """The array that the matrix was, and the grids of its sides."""
        return self._described.unfolding

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the entries as stored, in native byte order."""
        return self._described.dtype

    @property
    def sparse(self) -> bool:
        """Whether blocks are `CsrRows`."""
        return self._described.sparse

    @property
    def block_rows(self) -> int:
        """Rows of every block but the last; depends on the matrix alone."""
        return self._described.block_rows

    @abstractmethod
    def close(self) -> None:
        """Free what the source holds; it cannot be visited any more."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
