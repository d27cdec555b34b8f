"""Streams of blocks of sparse rows, regrouped to chunks of a height."""

from __future__ import annotations

from collections.abc import Iterator

from lplrcli.io.handles.base import joined_rows
from lplrcli.model.source import CsrRows


def regrouped_sparse(blocks: Iterator[CsrRows], height: int) -> Iterator[CsrRows]:
    """Sparse rows regrouped to chunks of a height; see `rechunked` for dense ones."""
    waiting: list[CsrRows] = []
    count = 0
    for block in blocks:
        start = 0
        while start < block.shape[0]:
            stop = min(start + height - count, block.shape[0])
            waiting.append(block.rows(start, stop))
            count += stop - start
            start = stop
            if count == height:
                yield joined_rows(waiting)
                waiting, count = [], 0
    if count:
        yield joined_rows(waiting)
