"""Metadata of all matrices of a file together: what a small file may make of a reader's time."""

from __future__ import annotations

import threading

from lplrcli.container.byte_layout import METADATA
from lplrcli.container.metadata_text import MAX_INFLATED
from lplrcli.container.zstd_frames import stated_size
from lplrcli.errors import CorruptSectionError

MOST_TOGETHER = 64 << 20
MOST_PER_BYTE = 8
"""Bytes of metadata, inflated: so many are allowed in any file, so many more in a large one, for
each of its bytes. Those of a matrix are a few times what it takes in the file at least."""


def check_total(total: int, file_bytes: int) -> None:
    """Check how many bytes the metadata of a file of `file_bytes` inflate to.

    Raises
    ------
    CorruptSectionError
        Too many.
    """
    most = max(MOST_TOGETHER, MOST_PER_BYTE * file_bytes)
    if total > most:
        raise CorruptSectionError(
            "metadata of all matrices inflate too far together",
            section=METADATA,
            found=f"{total} bytes up to here",
            expected=f"at most {most} in a file of {file_bytes}",
        )


class MetadataTotal:
    """Adds up what is inflated of a file; several threads may do so at once.

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
        """Count the metadata of a matrix, unless they have been, before they are inflated.

        Parameters
        ----------
        matrix : int
            Its number.
        payload : bytes
            The frame. One that states too much, or nothing, is refused wherever it is inflated.

        Raises
        ------
        CorruptSectionError
            They would be too many.
        """
        size = stated_size(payload) or 0
        with self._lock:
            if matrix in self._counted or size > MAX_INFLATED:
                return
            check_total(self._total + size, self._file_bytes)
            self._counted.add(matrix)
            self._total += size
