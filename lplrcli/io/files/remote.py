"""Files behind URLs, read by ranges through fsspec: object stores, web servers and alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import unquote, urlsplit

import numpy as np

from lplrcli.errors import InputError, MissingDependencyError
from lplrcli.io.handles.base import Handle, dense_block_rows
from lplrcli.io.handles.dtypes import to_native

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lplrcli.model.source import Unfolding


def is_url(path: str) -> bool:
    """Whether it names something other than a file that the system opens."""
    return "://" in path


def without_file_scheme(path: str) -> str:
    """``file:///a/b.npy`` as ``/a/b.npy``; any other path or URL as it is."""
    return unquote(urlsplit(path).path) if path.startswith("file://") else path


def open_url(url: str) -> BinaryIO:
    """Open what a URL names, for reading at any place.

    Raises
    ------
    InputError
        It does not exist, or cannot be read at any place.
    MissingDependencyError
        fsspec, or the package that knows the scheme, is not installed.
    """
    try:
        import fsspec

        # Headers are short, and blocks are read past the file object: nothing to read ahead.
        file: BinaryIO = fsspec.open(url, "rb", cache_type="readahead", block_size=2**16).open()
    except ImportError as error:
        raise MissingDependencyError(
            f"cannot be opened: {error}",
            path=url,
            advice="URLs need fsspec and its package for the scheme, such as s3fs for s3://.",
        ) from error
    except Exception as error:  # every kind of store has errors of its own
        reason = str(error) or type(error).__name__
        raise InputError(f"cannot be opened: {reason}", path=url) from error
    if not file.seekable():
        file.close()
        raise InputError(
            "can only be read from its start: the server gives no ranges",
            path=url,
            advice="Download it first.",
        )
    return file


class RangedHandle(Handle):
    """Rows of an array in C order inside a file that is read by ranges of bytes.

    Parameters
    ----------
    file : fsspec file
        Read past its own cache and position, so from several threads at once.
    name : str
        For messages.
    stored, offset
        Type of the entries as stored, and where they start.
    unfolding : Unfolding
        Of the array.
    dtype : numpy.dtype
        Native type of the entries.
    """

    def __init__(
        self,
        file: Any,
        name: str,
        stored: np.dtype[Any],
        offset: int,
        unfolding: Unfolding,
        dtype: np.dtype[Any],
    ) -> None:
        self._system, self._path = file.fs, file.path
        self._name = name
        self._stored = stored
        self._offset = offset
        self.unfolding = unfolding
        self.dtype = dtype
        self._arrange()

    def _arrange(self) -> None:
        self.block_rows = dense_block_rows(self.shape, self.dtype)

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        row_bytes = self.shape[1] * self.dtype.itemsize
        start, stop = (self._offset + row * row_bytes for row in (rows.start, rows.stop))
        try:
            found = self._system.cat_file(self._path, start=start, end=stop)
        except Exception as error:  # every kind of store has errors of its own
            reason = str(error) or type(error).__name__
            raise InputError(
                f"rows {rows.start} to {rows.stop - 1} cannot be read: {reason}", path=self._name
            ) from error
        if len(found) != stop - start:
            raise InputError(
                f"rows {rows.start} to {rows.stop - 1} cannot be read: the file was shortened",
                path=self._name,
                found=f"{len(found)} bytes",
                expected=f"{stop - start}",
            )
        values = np.frombuffer(found, self._stored).reshape(-1, self.shape[1])
        return to_native(values, self.dtype)
