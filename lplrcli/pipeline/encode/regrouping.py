"""Streams of blocks of rows, dense or sparse, regrouped to chunks of a height."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.model.source import CsrRows


def regrouped(blocks: Iterator[NDArray[Any]], height: int) -> Iterator[NDArray[Any]]:
    """Rows regrouped to chunks of a height."""
    waiting: list[NDArray[Any]] = []
    count = 0
    for block in blocks:
        start = 0
        while start < len(block):
            part = block[start : start + height - count]
            waiting.append(part)
            start += len(part)
            count += len(part)
            if count == height:
                yield np.concatenate(waiting)
                waiting, count = [], 0
    if count:
        yield np.concatenate(waiting)


def regrouped_sparse(blocks: Iterator[CsrRows], height: int) -> Iterator[CsrRows]:
    """Sparse rows regrouped to chunks of a height."""
    waiting: list[CsrRows] = []
    count = 0
    for block in blocks:
        start = 0
        while start < block.shape[0]:
            stop = min(start + height - count, block.shape[0])
            low, high = int(block.indptr[start]), int(block.indptr[stop])
            waiting.append(
                CsrRows(
                    (stop - start, block.shape[1]),
                    block.indptr[start : stop + 1] - low,
                    block.indices[low:high],
                    block.data[low:high],
                )
            )
            count += stop - start
            start = stop
            if count == height:
                yield _joined(waiting)
                waiting, count = [], 0
    if count:
        yield _joined(waiting)


def _joined(parts: list[CsrRows]) -> CsrRows:
    lengths = np.concatenate([np.diff(part.indptr) for part in parts])
    return CsrRows(
        (sum(part.shape[0] for part in parts), parts[0].shape[1]),
        np.concatenate([[0], np.cumsum(lengths)]),
        np.concatenate([part.indices for part in parts]),
        np.concatenate([part.data for part in parts]),
    )
