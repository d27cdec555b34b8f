"""Rows of blocks regrouped to chunks: the rows are those that came, whatever the cuts."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.model.source import CsrRows
from lplrcli.pipeline.encode.regrouping import regrouped_sparse

CUTS = st.lists(st.integers(1, 9), min_size=1, max_size=8)
HEIGHTS = st.integers(1, 20)


def cut(a, heights):
    stops = np.cumsum(heights)
    return [a[stop - height : stop] for stop, height in zip(stops, heights, strict=True)]


@given(CUTS, HEIGHTS, st.integers(0, 99))
def test_sparse_rows(heights, height, seed):
    a = sp.random_array((sum(heights), 5), density=0.3, rng=seed, format="csr")
    blocks = [CsrRows(b.shape, b.indptr, b.indices, b.data) for b in cut(a, heights)]
    chunks = list(regrouped_sparse(iter(blocks), height))
    found = [sp.csr_array((c.data, c.indices, c.indptr), shape=c.shape) for c in chunks]
    assert (sp.vstack(found) != a).nnz == 0
    assert all(chunk.shape[0] == height for chunk in found[:-1])
