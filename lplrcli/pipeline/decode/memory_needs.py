"""Least memory for decoding and for verifying a file, whatever lies in scratch files."""

from __future__ import annotations

from lplrcli.container.chunks import lengths_of
from lplrcli.model.compressed import Factorization
from lplrcli.model.source import BLOCK_BYTES, working_dtype
from lplrcli.pipeline.decode.entry_types import entry_dtype
from lplrcli.runtime.workspace import workspace

LIBRARIES = 72 << 20
"""Bytes of libraries that are loaded on the way."""

BLOCK_COPIES = 4
"""Copies of each block in flight: as read, converted, its products."""

_BYTES_PER_CODE = 5
"""Bytes for each code of a chunk that is decoded to codes alone."""


_BYTES_PER_PLACE = 24
"""Bytes for each entry of a sparse matrix, besides its value: gap, place, row, column."""


def require_for_decoding(factorization: Factorization, threads: int, name: str | None) -> None:
    """Refuse, before rows of a compressed matrix are decoded, what memory has no room for.

    Parameters
    ----------
    factorization : Factorization
        What was compressed.
    threads : int
        Each decodes chunks of its own.
    name : str or None
        Name of the file.

    Raises
    ------
    MemoryLimitError
        Less memory is allowed than is needed.
    """
    columns = factorization.shape[1]
    itemsize = working_dtype(entry_dtype(factorization.dtype)).itemsize
    needed = LIBRARIES + (threads + 1) * BLOCK_COPIES * max(BLOCK_BYTES, itemsize * columns)
    if factorization.right is not None:
        needed += 2 * itemsize * columns * factorization.rank
    for factor, copies in ((factorization.left, threads + 2), (factorization.residual, 9)):
        if factor is not None:
            chunk = factor.components * min(factor.chunk_length, factor.length)
            needed += (copies + 2 * threads) * itemsize * chunk
    needed += (3 * threads + 2) * _kept_chunk(factorization)
    workspace().require(needed, name, threads)


def _kept_chunk(factorization: Factorization) -> int:
    """Bytes of the largest chunk of kept entries, once it is decoded."""
    kept, (rows, columns) = factorization.kept, factorization.shape
    if kept is None:
        return 0
    itemsize = entry_dtype(factorization.dtype).itemsize
    if not kept.sparse:
        return kept.chunk_rows * columns * itemsize
    return max(kept.counts, default=0) * (_BYTES_PER_PLACE + itemsize) + 8 * rows


def require_for_verifying(factorization: Factorization, threads: int, name: str | None) -> None:
    """Refuse to decode chunks to codes, one after another, where memory has no room for them.

    Parameters
    ----------
    factorization, threads, name
        As for `require_for_decoding`.

    Raises
    ------
    MemoryLimitError
        Less memory is allowed than is needed.
    """
    most = 0
    for factor in factorization.parts.values():
        codes = factor.components * min(factor.chunk_length, factor.length)
        stored = max(lengths_of(factor.chunks), default=0)
        most = max(most, _BYTES_PER_CODE * codes + 3 * stored)
    if factorization.kept is not None:
        stored = max(lengths_of(factorization.kept.chunks), default=0)
        most = 3 * (_kept_chunk(factorization) + stored)
    workspace().require(LIBRARIES + (threads + 1) * most, name, threads)
