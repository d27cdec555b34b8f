"""Limit on the inflated metadata of all matrices of a file, which bounds the time of a reader."""

from __future__ import annotations

import threading

from lplrcli.container.byte_layout import METADATA
from lplrcli.container.metadata_text import MAX_INFLATED
from lplrcli.container.zstd_frames import stated_size
from lplrcli.errors import CorruptSectionError

MOST_TOGETHER = 64 << 20
MOST_PER_BYTE = 8
"""Most inflated bytes of the metadata of all matrices: `MOST_TOGETHER` in any file, or
`MOST_PER_BYTE` for each byte of the file if that is more."""


def check_total(total: int, file_bytes: int) -> None:
    """Check that the metadata of a file of `file_bytes` inflate to few enough bytes, `total`.

    Raises
    ------
    CorruptSectionError
        They are too many.
    """
    most = max(MOST_TOGETHER, MOST_PER_BYTE * file_bytes)
    if total > most:
        raise CorruptSectionError(
            "metadata of all matrices inflates too far together",
            section=METADATA,
            found=f"{total} bytes up to here",
            expected=f"at most {most} in a file of {file_bytes}",
        )


class MetadataTotal:
    """Total of the inflated metadata of a file; several threads may add to it at once.

    Parameters
    ----------
    file_bytes : int
        Size of the file.
    """

    def __init__(self, file_bytes: int) -> None:
        self._file_bytes = file_bytes
        self._counted: set[int] = set()
        self._total = 0
        self._lock = threading.Lock()

    def add(self, matrix: int, payload: bytes) -> None:
        """Count the metadata of a matrix before they are inflated, once for each matrix.

        Parameters
        ----------
        matrix : int
            Number of the matrix.
        payload : bytes
            The frame. If it states no size, or one too large, inflating it fails later.

        Raises
        ------
        CorruptSectionError
            The total would be too large.
        """
        size = stated_size(payload) or 0
        with self._lock:
            if matrix in self._counted or size > MAX_INFLATED:
                return
            check_total(self._total + size, self._file_bytes)
            self._counted.add(matrix)
            self._total += size
