"""Arrays written as .npy files, slab by slab."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from lplrcli.io.formats.sink import Sink

if TYPE_CHECKING:
    from numpy.typing import NDArray


class NpySink(Sink):
    """Writes an .npy file forwards, the bytes of ``numpy.save`` of the whole array.

    Parameters
    ----------
    stream : binary file
        Need not be seekable.
    shape : tuple of int
    unfold : int
    dtype : numpy.dtype
    """

    def __init__(
        self, stream: BinaryIO, shape: tuple[int, ...], unfold: int, dtype: np.dtype[Any]
    ) -> None:
        super().__init__(shape, unfold, dtype)
        self._stream = stream
        np.lib.format.write_array_header_1_0(
            stream,
            {
                "descr": np.lib.format.dtype_to_descr(dtype),
                "fortran_order": False,
                "shape": shape,
            },
        )

    def _write_slab(self, values: NDArray[Any]) -> None:
        # As bytes: bfloat16 offers no buffer of its own.
        self._stream.write(np.ascontiguousarray(values).view(np.uint8).data)

    def _finish(self) -> None:
        self._stream.flush()
