"""Sparse matrices of any make become canonical rows, and stay as they were."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from foreign_samples import A, whole

from lplrcli.io import (
    open_array,
)


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "lil", "dia"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.uint8, bool])
def test_open_sparse(kind, dtype):
    dense = (np.abs(A) > 1).astype(dtype)
    source = open_array(sp.coo_array(dense).asformat(kind))
    assert source.sparse
    assert source.dtype == dtype
    working = np.float32 if np.dtype(dtype).itemsize < 8 else np.float64
    assert {b.data.dtype for b in source.map_blocks(lambda b: b.values)} == {np.dtype(working)}
    np.testing.assert_array_equal(whole(source), dense)


def test_sparse_duplicates_are_summed_in_a_copy():
    given = sp.csr_array((np.ones(4), [1, 0, 1, 2], [0, 3, 4]), shape=(2, 3))
    (rows,) = open_array(given).map_blocks(lambda block: block.values)
    assert rows.indices.tolist() == [0, 1, 2]
    assert rows.data.tolist() == [1, 2, 1]
    assert rows.indptr.dtype == np.int64
    assert given.data.tolist() == [1, 1, 1, 1]


def test_sparse_blocks():
    matrix = sp.csr_array(sp.eye_array(5000, 40))
    source = open_array(matrix)
    blocks = list(source.map_blocks(lambda block: (block.start, block.values)))
    assert [start for start, _ in blocks] == [0, 1024, 2048, 3072, 4096]
    assert all(v.indptr[0] == 0 for _, v in blocks)
    np.testing.assert_array_equal(whole(source), matrix.toarray())
