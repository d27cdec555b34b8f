"""Parts of compressed arrays: what they hold, and what is read for them."""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_decode_reconstruction import CountedChunks, factor

import lplrcli
from lplrcli.model.compressed import Factorization
from lplrcli.model.plan import CompressionPlan, Target
from lplrcli.model.report import ErrorReport
from lplrcli.model.selection import Selection
from lplrcli.pipeline.decode.array_part import Part, column_slabs
from lplrcli.pipeline.decode.reconstruction import Reconstruction

SHAPE, RANK = (9, 8, 7, 5), 4
MODES = ["factors", "direct", "factors+residual", "by columns"]
ALL = slice(None)


def array(mode, unfold):
    """Many chunks, which no real array this small would have."""
    n, d = math.prod(SHAPE[:unfold]), math.prod(SHAPE[unfold:])
    left = right = residual = None
    if "factors" in mode:
        left, right = factor(RANK, n, 0, chunk=16), factor(RANK, d, 1, chunk=8)
    if mode in ("direct", "factors+residual"):
        residual = factor(1, n * d, 2, "uniform", 64)
    if mode == "by columns":
        values = np.random.default_rng(3).standard_normal((n, d))
        made = lplrcli.compress(values, bpc=4, mode="direct").factorization
        return replace(made, array_shape=SHAPE, unfold=unfold)
    plan = CompressionPlan(Target("packed", RANK, 4, 4), mode, "gram", None, None, None, seed=0)
    report = ErrorReport(0.0, None, exact=False, source_norm=0.0, passes=0)
    return Factorization(
        (n, d), "float64", left, right, residual, plan, report, array_shape=SHAPE, unfold=unfold
    )


@functools.cache
def sample(mode, unfold):
    """The same, and all of it decoded."""
    found = array(mode, unfold)
    return found, np.concatenate(list(Reconstruction(found).blocks())).reshape(SHAPE)


EACH = pytest.mark.parametrize(("mode", "unfold"), list(itertools.product(MODES, (1, 2, 3))))


@EACH
@given(
    index=st.tuples(*(st.integers(-n, n - 1) | st.slices(n) for n in SHAPE)),
    axes=st.integers(0, 4),
    threads=st.sampled_from([1, 3]),
)
@settings(deadline=None, max_examples=15)
def test_any_part_is_that_of_the_whole(mode, unfold, index, axes, threads):
    selection = Selection.of(index[:axes], SHAPE)
    compressed, whole = sample(mode, unfold)
    part = Part(compressed, selection, threads)
    expected = whole[index[:axes]]
    assert part.shape == expected.shape
    found = part.array()
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-12)


@EACH
@pytest.mark.parametrize(
    "index",
    [(ALL, 3, ALL, slice(0, 5, 2)), (slice(1, 9, 2), ALL, 2, ALL), (2, 3), (ALL, ALL, ALL, 4)],
    ids=str,
)
def test_blocks_are_rows_of_the_part(mode, unfold, index):
    compressed, whole = sample(mode, unfold)
    part = Part(compressed, Selection.of(index, SHAPE))
    blocks = np.concatenate(list(part.blocks()))
    assert len(blocks) == part.rows == math.prod(part.shape[: part.row_axes])
    np.testing.assert_allclose(blocks.reshape(part.shape), whole[index], atol=1e-12)


@EACH
@pytest.mark.parametrize("index", [(ALL, 3, ALL, 2), (1, 2), (..., 1, slice(0, 5, 2)), (0, ..., 0)])
def test_slabs_of_columns_of_a_part_with_two_axes(mode, unfold, index, monkeypatch):
    monkeypatch.setattr("lplrcli.pipeline.decode.array_part._SLAB_BYTES", 8 * 20)
    compressed, whole = sample(mode, unfold)
    expected = whole[index]
    if expected.ndim != 2:
        index = (*index, 0) if Ellipsis not in index else (3, *index)
        expected = whole[index]
    selection = Selection.of(index, SHAPE)
    slabs = list(column_slabs(compressed, selection, 2, np.dtype(np.float64)))
    assert len(slabs) > 1
    np.testing.assert_allclose(np.concatenate(slabs, axis=1), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("index", "left", "right"),
    [
        # 72 rows in chunks of 16, 35 columns in chunks of 8
        ((0,), {0}, {0, 1, 2, 3, 4}),
        ((ALL, 0, 0), {0, 1, 2, 3, 4}, {0}),
        ((slice(0, 9, 4), 0), {0, 2, 4}, {0, 1, 2, 3, 4}),
        ((8, 7, slice(0, 7, 6), 4), {4}, {0, 4}),
        ((slice(0, 0),), set(), None),
    ],
)
def test_only_the_chunks_needed_are_read(index, left, right):
    sample = array("factors", 2)
    asked = {}
    for side in ("left", "right"):
        asked[side] = CountedChunks(getattr(sample, side).chunks)
        object.__setattr__(getattr(sample, side), "chunks", asked[side])
    Part(sample, Selection.of(index, SHAPE)).array()
    assert asked["left"].asked == left
    assert right is None or asked["right"].asked == right


def test_only_the_chunks_needed_of_a_residual_are_read():
    sample = array("direct", 2)
    counted = CountedChunks(sample.residual.chunks)
    object.__setattr__(sample.residual, "chunks", counted)
    # Rows 3 and 67 of 35 entries, in chunks of 64.
    Part(sample, Selection.of((slice(0, 9, 8), 3), SHAPE)).array()
    assert counted.asked == {1, 2, 36, 37}
