"""Inputs of ``same_bytes.py`` that count what is read of them, whatever the package calls its own.

Files behind ``counted://`` are those of the working folder, read by ranges through fsspec; arrays
count the rows sliced from them. `COUNT` has the sum.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from fsspec.spec import AbstractBufferedFile, AbstractFileSystem


class Count:
    """Bytes that were read, by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.bytes = 0

    def add(self, number: int) -> None:
        """Count so many bytes more."""
        with self._lock:
            self.bytes += number


COUNT = Count()


class CountedFiles(AbstractFileSystem):
    """Files of the working folder, read by ranges as from an object store; ranges are counted."""

    protocol = "counted"
    cachable = False

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Size and kind of a file."""
        path = self._strip_protocol(path)
        return {"name": path, "size": Path(path).stat().st_size, "type": "file"}

    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **_: Any
    ) -> Any:
        """Bytes `start` to `end` of a file, which are counted."""
        path = self._strip_protocol(path)
        with Path(path).open("rb") as file:
            file.seek(start or 0)
            found = file.read(-1 if end is None else end - (start or 0))
        COUNT.add(len(found))
        return found

    def _open(self, path: str, mode: str = "rb", **options: Any) -> _CountedFile:
        options = {key: options[key] for key in ("block_size", "cache_type") if key in options}
        return _CountedFile(self, path, mode, **options)


class _CountedFile(AbstractBufferedFile):
    """A file of `CountedFiles`, whose cache asks for ranges."""

    def _fetch_range(self, start: int, end: int) -> Any:
        return self.fs.cat_file(self.path, start, end)


class CountedArray:
    """An array of NumPy's kind that counts the bytes of all slices taken from it."""

    def __init__(self, array: Any) -> None:
        self._array = array
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, array.ndim

    def __getitem__(self, index: Any) -> Any:
        found = np.asarray(self._array[index])
        COUNT.add(found.nbytes)
        return found


def counted(kind: str, path: str) -> Any:
    """The array in a file behind a counter.

    Parameters
    ----------
    kind : str
        ``array`` for that of an ``.npy`` file, ``dask`` for the same in dask's chunks, ``zarr`` for
        a Zarr array.
    path : str
        The file, or the folder of the Zarr array.
    """
    if kind == "array":
        return CountedArray(np.load(path, mmap_mode="r"))
    if kind == "zarr":
        return CountedArray(zarr.open_array(path, mode="r"))
    import dask.array

    array = CountedArray(np.load(path, mmap_mode="r"))
    rows = max(8, array.shape[0] // 6)
    return dask.array.from_array(array, chunks=(rows, *array.shape[1:]))
