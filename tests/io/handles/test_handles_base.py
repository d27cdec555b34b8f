"""What every handle has: blocks of a height that depends on the matrix alone, and columns."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
from foreign_samples import A
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.io import (
    open_array,
)
from lplrcli.io.handles.base import (
    CsrHandle,
    chunked_block_rows,
    columns_of,
    dense_block_rows,
    joined_rows,
    layer_rows,
    sparse_block_rows,
)
from lplrcli.model.source import Unfolding


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int8])
def test_columns_of_a_sparse_matrix_are_rows_of_its_transpose(dtype):
    a = sp.random_array((70, 30), density=0.2, rng=0)
    a.data = np.ceil(a.data * 9)
    with open_array(a.astype(dtype)) as source:
        found = source.columns()
        assert found is source.columns()  # made once
    turned = sp.csr_array((found.data, found.indices, found.indptr), found.shape)
    np.testing.assert_array_equal(turned.toarray(), a.toarray().T)
    assert open_array(A).columns() is None


def test_block_heights():
    assert dense_block_rows((10**6, 1000), np.dtype("f4")) == 524 // 8 * 8
    assert dense_block_rows((10, 1 << 22), np.dtype("f4")) == 1
    assert dense_block_rows((10, 1 << 18), np.dtype("f4")) == 2
    assert [sparse_block_rows(n) for n in (1, 10**5, 10**8)] == [1024, 3125, 65536]
    f4 = np.dtype("f4")
    tall = Unfolding.of((10**5, 1000))
    assert chunked_block_rows(tall, f4, (100, 10)) == 500
    assert chunked_block_rows(tall, f4, (2000, 10)) == 2000
    assert chunked_block_rows(tall, f4, (10**5, 1)) == 524 // 8 * 8
    assert chunked_block_rows(tall, f4, None) == 524 // 8 * 8
    # Layers of 3 times 50 rows.
    assert chunked_block_rows(Unfolding.of((900, 50, 1000), 2), f4, (3, 7, 10)) == 450


@given(st.lists(st.integers(1, 5), min_size=3, max_size=4).map(tuple), st.data())
def test_a_block_of_whole_chunks_reads_none_twice(shape, data):
    axes = data.draw(st.integers(1, len(shape) - 1))
    chunks = tuple(data.draw(st.integers(1, 6)) for _ in shape)
    unfolding = Unfolding.of(shape, axes)
    layer = layer_rows(unfolding, chunks)
    rows_of_first_axis = math.prod(shape[1:axes])
    assert layer == min(chunks[0], shape[0]) * rows_of_first_axis
    assert chunked_block_rows(unfolding, np.dtype("f4"), chunks) % layer == 0


@pytest.mark.parametrize("chunks", [None, (3,), (3, 4, 5), ("auto", 4), (0, 4), ((3, 3), (4,))])
def test_chunks_of_another_kind_are_none(chunks):
    assert layer_rows(Unfolding.of((6, 4)), chunks) is None


@given(st.integers(1, 40), st.integers(0, 2**32 - 1), st.lists(st.integers(0, 40), max_size=4))
def test_pieces_of_a_sparse_matrix_are_joined_again(rows, seed, cuts):
    a = sp.random_array((rows, 7), density=0.3, rng=np.random.default_rng(seed)).tocsr()
    handle = CsrHandle(a, Unfolding.of(a.shape), a.dtype)
    ends = [0, *sorted(cut % rows for cut in cuts), rows]
    pieces = [handle[start:stop] for start, stop in pairwise(ends) if start < stop]
    found = joined_rows(pieces)
    assert found.shape == a.shape
    np.testing.assert_array_equal(found.indptr, a.indptr)
    np.testing.assert_array_equal(found.indices, a.indices)
    np.testing.assert_array_equal(found.data, a.data)
    turned, expected = columns_of(found), a.T.tocsr()
    expected.sort_indices()
    np.testing.assert_array_equal(turned.indptr, expected.indptr)
    np.testing.assert_array_equal(turned.data, expected.data)
