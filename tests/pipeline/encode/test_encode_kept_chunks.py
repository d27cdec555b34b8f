"""Coding of entries as they are: layouts, chunks and the norm of what is finite."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import lplrcli
from lplrcli.container.kept_layout import arrays_of
from lplrcli.container.zstd_frames import deflate
from lplrcli.pipeline.decode.kept_chunks import folded, unfolded, unpacked
from lplrcli.pipeline.encode.kept_chunks import EntryNorm, norm_of, packed


@given(
    hnp.arrays(
        st.sampled_from(["u1", "<u2", "<u4", "<u8"]),
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
    ),
    st.integers(0, 7),
)
def test_every_layout_is_undone(words, layout):
    frame = deflate(packed(words, layout))
    found = unpacked(frame, layout, words.shape, words.dtype, 0)
    assert np.array_equal(found, words)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64])
def test_small_numbers_of_either_sign_fold_to_small_ones(dtype):
    limits = np.iinfo(dtype)
    numbers = np.array([0, -1, 1, -2, 2, limits.min, limits.max], dtype)
    found = folded(numbers)
    assert found.tolist() == [0, 1, 2, 3, 4, 2 * limits.max + 1, 2 * limits.max]
    assert np.array_equal(unfolded(found), numbers)


def test_the_norm_is_that_of_finite_entries():
    parts = [np.array([3.0, np.nan]), np.array([-np.inf, 4.0]), np.zeros(2)]
    assert norm_of(map(EntryNorm.of, parts)) == 5.0
    assert norm_of([EntryNorm.of(np.array([1e308] * 9))]) == np.finfo(np.float64).max
    assert norm_of([EntryNorm.of(np.array([3e-320, 4e-320]))]) == pytest.approx(5e-320, rel=1e-3)
    assert norm_of([]) == 0.0


@pytest.mark.parametrize(("rows", "height"), [(50, 7), (8, 8), (3, 1)])
def test_chunks_are_whole_rows(rows, height):
    array = np.random.default_rng(0).normal(size=(rows, 6))
    with mock.patch("lplrcli.pipeline.encode.kept_chunks.CHUNK_BYTES", height * 48 + 3):
        kept = lplrcli.compress(array, rel_error=0).factorization.kept
    assert (kept.chunk_rows, len(kept.chunks)) == (height, -(-rows // height))


def test_smooth_numbers_are_stored_as_differences():
    rows, columns = np.mgrid[:40, :30]
    kept = lplrcli.compress(10**15 + 10**9 * (rows + columns), rel_error=0).factorization.kept
    assert [layout for layout, _ in arrays_of("dense", kept.chunks[0])] == [7]
