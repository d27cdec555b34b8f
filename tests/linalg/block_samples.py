"""A sparse matrix of many blocks, and passes over it, dense or sparse."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from lplrcli.io.handles.base import ArrayHandle, CsrHandle
from lplrcli.io.sources.local_source import LocalSource
from lplrcli.linalg.passes import Passes
from lplrcli.model.source import CsrRows, RowBlock, Unfolding

ROWS, COLUMNS = 103, 17
KINDS = pytest.mark.parametrize("kind", ["dense", "sparse"])
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def matrix(dtype=np.float64):
    return sp.random_array((ROWS, COLUMNS), density=0.3, rng=0, dtype=dtype)


def source(kind, a, height=10, threads=2):
    """Rows in blocks of `height`, the last one shorter."""
    if kind == "dense":
        handle = ArrayHandle(a.toarray(), Unfolding.of(a.shape), a.dtype, height)
    else:
        handle = CsrHandle(a.tocsr(), Unfolding.of(a.shape), a.dtype)
        handle.block_rows = height
    return LocalSource(handle, name="a", format="array", threads=threads)


def passes(kind, a, height=10, threads=2, **options):
    return Passes(source(kind, a, height, threads), **options)


def block(kind, a, start=0, stop=ROWS, beside=None):
    """Rows of a sparse array as a block."""
    rows = a.tocsr()[start:stop]
    if kind == "dense":
        return RowBlock(start, rows.toarray(), beside)
    values = CsrRows(rows.shape, rows.indptr.astype(np.int64), rows.indices, rows.data)
    return RowBlock(start, values, beside)
