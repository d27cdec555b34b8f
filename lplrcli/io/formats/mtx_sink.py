"""Matrix Market text, written column by column."""

from __future__ import annotations

import gzip as gzip_format
from typing import TYPE_CHECKING, Any, BinaryIO

from lplrcli.io.formats.sink import Sink

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Significant decimal digits that give each type back exactly.
_NUMBER_FORMATS = {"float16": "%.5g", "bfloat16": "%.4g", "float32": "%.9g", "float64": "%r"}


class MtxSink(Sink):
    """Writes the array layout, which goes column by column.

    Parameters
    ----------
    stream : binary file
        Need not be seekable.
    shape : tuple of int
    dtype : numpy.dtype
        Integers and bool are written in the integer field.
    gzip : bool
        Whether to compress the text; the bytes hold no time and no name.
    """

    order = "columns"

    def __init__(
        self, stream: BinaryIO, shape: tuple[int, int], dtype: np.dtype[Any], gzip: bool
    ) -> None:
        super().__init__(shape, 1, dtype)
        self._stream = stream
        self._gzip = None
        if gzip:
            self._gzip = gzip_format.GzipFile("", "wb", 6, stream, mtime=0)
        self._format = _NUMBER_FORMATS.get(dtype.name, "%d")
        field = "real" if dtype.name in _NUMBER_FORMATS else "integer"
        self._put(f"%%MatrixMarket matrix array {field} general\n{shape[0]} {shape[1]}\n")

    def _write_slab(self, values: NDArray[Any]) -> None:
        one = self._format + "\n"
        for column in values.T:
            numbers = tuple(column.tolist())
            self._put((one * len(numbers)) % numbers)

    def _finish(self) -> None:
        if self._gzip is not None:
            self._gzip.close()
        self._stream.flush()

    def _put(self, text: str) -> None:
        (self._gzip or self._stream).write(text.encode("ascii"))
