"""Slices of a decoded matrix, and what is read for them."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lplrcli.model.compressed import Factorization
from lplrcli.model.plan import CompressionPlan, Target
from lplrcli.model.report import ErrorReport
from lplrcli.model.selection import Selection
from lplrcli.pipeline.decode.array_part import column_slabs
from lplrcli.pipeline.decode.factors import decode_factor
from lplrcli.pipeline.decode.reconstruction import Reconstruction
from lplrcli.pipeline.encode.fixed_width import encode_factor

ROWS, COLUMNS, RANK, CHUNK = 301, 37, 5, 64


class CountedChunks(Sequence):
    """Chunks that note which of them were asked for."""

    def __init__(self, chunks):
        self.chunks = chunks
        self.asked = set()

    def __len__(self):
        return len(self.chunks)

    def __getitem__(self, number):
        self.asked.add(number)
        return self.chunks[number]


def factor(components, length, seed, quantizer="normal", chunk=CHUNK):
    values = np.random.default_rng(seed).standard_normal((components, length))
    bits = np.full(components, 6, np.uint8)
    if quantizer == "normal":
        bits = np.arange(4, 4 + components).astype(np.uint8)
    return encode_factor(values, bits, quantizer, chunk, threads=1)


def factorization(mode, dtype="float64", exponent=0):
    """Many chunks of 64 entries, which no real matrix this small would have."""
    left = right = residual = None
    if "factors" in mode:
        left, right = factor(RANK, ROWS, 0), factor(RANK, COLUMNS, 1)
    if mode != "factors":
        residual = factor(1, ROWS * COLUMNS, 2, "uniform", 8 * CHUNK)
    plan = CompressionPlan(
        Target("packed", RANK, 4, 4), mode, "gram", None, None, None, seed=0, exponent=exponent
    )
    report = ErrorReport(0.0, None, exact=False, source_norm=0.0, passes=0)
    return Factorization((ROWS, COLUMNS), dtype, left, right, residual, plan, report)


def expected(found):
    total = np.zeros(found.shape)
    if found.left is not None:
        left, right = (decode_factor(f, np.dtype(np.float64)) for f in (found.left, found.right))
        total += left.T @ right
    if found.residual is not None:
        total += decode_factor(found.residual, np.dtype(np.float64)).reshape(found.shape)
    return np.ldexp(total, found.plan.exponent)


MODES = ["factors", "direct", "factors+residual"]
SAMPLES = {mode: factorization(mode) for mode in MODES}
MODE = pytest.mark.parametrize("mode", MODES)


def ranges(size):
    """Slices of step 1, negative and open ends included, that do not run backwards."""
    ends = st.none() | st.integers(-size - 2, size + 2)
    return st.builds(ordered, ends, ends, st.just(size))


def ordered(a, b, size):
    start, stop, _ = slice(a, b).indices(size)
    return slice(a, b) if start <= stop else slice(stop, start)


ROW_SLICES, COLUMN_SLICES = ranges(ROWS), ranges(COLUMNS)


@MODE
@given(rows=ROW_SLICES, columns=COLUMN_SLICES, threads=st.sampled_from([1, 3]))
@settings(deadline=None, max_examples=60)
def test_any_range_of_rows_and_columns_is_that_of_the_whole(mode, rows, columns, threads):
    sample = SAMPLES[mode]
    part = Reconstruction(sample, columns, threads)
    blocks = list(part.blocks(rows))
    whole = expected(sample)[rows, columns]
    found = np.concatenate(blocks) if blocks else np.empty(whole.shape)
    np.testing.assert_allclose(found, whole, atol=1e-12)


@MODE
def test_a_range_that_runs_backwards_is_empty(mode):
    assert sum(map(len, Reconstruction(SAMPLES[mode]).blocks(slice(9, 3)))) == 0


@MODE
def test_all_of_it_in_blocks(mode):
    blocks = Reconstruction(SAMPLES[mode]).blocks()
    np.testing.assert_allclose(np.concatenate(list(blocks)), expected(SAMPLES[mode]), atol=1e-12)


@MODE
@given(rows=ROW_SLICES, columns=COLUMN_SLICES)
@settings(deadline=None, max_examples=30)
def test_column_slabs_side_by_side_are_the_part(mode, rows, columns):
    whole = expected(SAMPLES[mode])[rows, columns]
    if whole.size == 0:
        return
    selection = Selection.of((rows, columns), (ROWS, COLUMNS))
    slabs = list(column_slabs(SAMPLES[mode], selection, 1, np.dtype(np.float64)))
    np.testing.assert_allclose(np.concatenate(slabs, axis=1), whole, atol=1e-12)


@pytest.mark.parametrize(
    ("rows", "chunks"),
    [((0, 64), {0}), ((0, 65), {0, 1}), ((63, 65), {0, 1}), ((300, 301), {4}), ((128, 129), {2}),
     ((0, 301), {0, 1, 2, 3, 4}), ((64, 64), set())],
)  # fmt: skip
def test_only_the_chunks_needed_are_read(rows, chunks):
    sample = factorization("factors")
    counted = CountedChunks(sample.left.chunks)
    object.__setattr__(sample.left, "chunks", counted)
    list(Reconstruction(sample).blocks(slice(*rows)))
    assert counted.asked == chunks


def test_only_the_chunks_needed_of_a_direct_matrix_are_read():
    sample = factorization("direct")
    counted = CountedChunks(sample.residual.chunks)
    object.__setattr__(sample.residual, "chunks", counted)
    list(Reconstruction(sample).blocks(slice(20, 21)))  # entries 740 to 776, in chunks of 512
    assert counted.asked == {1}


@MODE
@pytest.mark.parametrize("exponent", [-900, 900])
def test_the_exponent_is_applied_to_all(mode, exponent):
    sample = factorization(mode, exponent=exponent)
    blocks = np.concatenate(list(Reconstruction(sample).blocks()))
    np.testing.assert_allclose(np.ldexp(blocks, -exponent), expected(SAMPLES[mode]), atol=1e-12)


@pytest.mark.parametrize("mode", MODES)
def test_a_reconstruction_travels_as_what_was_compressed(mode):
    found = factorization(mode, "float32", exponent=3)
    parts = {
        name: replace(part, chunks=CountedChunks(part.chunks)) for name, part in found.parts.items()
    }
    whole = Reconstruction(replace(found, **parts), threads=2)
    pickled = pickle.dumps(whole)
    assert len(pickled) < 4000 + sum(sum(map(len, part.chunks)) for part in found.parts.values())
    rows = [np.concatenate(list(given.blocks())) for given in (whole, pickle.loads(pickled))]
    assert np.array_equal(*rows)
