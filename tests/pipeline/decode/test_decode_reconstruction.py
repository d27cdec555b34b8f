"""Slices of a decoded matrix, what is read for them, and the way back to the original type."""

from __future__ import annotations

import math
import pickle
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ml_dtypes import bfloat16

from lplrcli.model.compressed import Factorization
from lplrcli.model.plan import CompressionPlan, Target
from lplrcli.model.report import ErrorReport
from lplrcli.model.selection import Selection
from lplrcli.pipeline.decode.array_part import column_slabs
from lplrcli.pipeline.decode.factors import decode_factor, encode_factor, rechunked
from lplrcli.pipeline.decode.reconstruction import Reconstruction, cast

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


@pytest.mark.parametrize("quantizer", ["normal", "uniform"])
@given(st.integers(0, ROWS), st.integers(0, ROWS), st.sampled_from([1, 3]))
@settings(deadline=None, max_examples=40)
def test_any_range_of_a_factor_is_that_of_the_whole(quantizer, a, b, threads):
    sample = factor(RANK, ROWS, 0, quantizer)
    start, stop = min(a, b), max(a, b)
    found = decode_factor(sample, np.dtype(np.float32), start, stop, threads)
    whole = decode_factor(sample, np.dtype(np.float32))
    np.testing.assert_array_equal(found, whole[:, start:stop])


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


@given(st.lists(st.integers(0, 30), max_size=12), st.integers(1, 5).map(lambda k: 8 * k))
@settings(deadline=None)
def test_rechunking_keeps_the_stream(sizes, length):
    stream = np.arange(sum(sizes))
    parts = np.split(stream, np.cumsum(sizes)[:-1]) if sizes else []
    chunks = list(rechunked(iter(parts), length))
    assert [len(c) for c in chunks[:-1]] == [length] * (len(chunks) - 1)
    joined = np.concatenate(chunks) if chunks else stream
    np.testing.assert_array_equal(joined, stream)
    assert not chunks or 0 < len(chunks[-1]) <= length


# -- cast

FLOATS = [np.float32, np.float64]
INTEGERS = [np.dtype(f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)]


@pytest.mark.parametrize("working", FLOATS)
@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_integers_round_half_to_even(working, dtype):
    values = np.array([0.5, 1.5, 2.5, 2.4999, 100.6], working)
    assert cast(values, dtype).tolist() == [0, 2, 2, 2, 101]
    assert cast(values, dtype).dtype == dtype


@pytest.mark.parametrize("working", FLOATS)
@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_integers_are_clamped_at_both_ends(working, dtype):
    limits = np.iinfo(dtype)
    low, high = working(limits.min), working(limits.max)
    values = np.array([-1e30, np.nextafter(low, working(-np.inf)), low, 1e30, high], working)
    if dtype.itemsize < working().itemsize:
        values = np.append(values, high + working(0.75))
    found = cast(values, dtype)
    assert found[:3].tolist() == [limits.min] * 3
    if float(high) >= limits.max:
        assert set(found[3:].tolist()) == {limits.max}


@given(st.floats(-1e20, 1e20), st.sampled_from(INTEGERS))
@settings(deadline=None)
def test_integers_are_pythons_round_clamped(value, dtype):
    limits = np.iinfo(dtype)
    found = cast(np.array([value]), dtype)
    assert int(found[0]) == min(max(round(value), limits.min), limits.max)


def test_sixty_four_bits_just_below_their_ends():
    below = np.nextafter(2.0**63, 0)
    assert cast(np.array([below, -below]), np.dtype(np.int64)).tolist() == [int(below), -int(below)]
    below = np.nextafter(2.0**64, 0)
    assert cast(np.array([below, -1.0]), np.dtype(np.uint64)).tolist() == [int(below), 0]


def test_bool_is_true_from_one_half_on():
    values = np.array([-3.0, 0.0, 0.4999, 0.5, 1.0, 7.0])
    assert cast(values, np.dtype(bool)).tolist() == [False, False, False, True, True, True]


@pytest.mark.parametrize("working", FLOATS)
@pytest.mark.parametrize("dtype", [np.float16, bfloat16])
def test_narrow_floats_saturate(working, dtype):
    import ml_dtypes

    largest = float(ml_dtypes.finfo(dtype).max)
    huge = float(np.finfo(working).max)
    values = np.array([huge, -huge, largest, 1.0, 0.0], working)
    found = cast(values, np.dtype(dtype)).astype(np.float64)
    assert found.tolist() == [largest, -largest, largest, 1.0, 0.0]


def test_narrow_floats_round_to_nearest():
    values = np.random.default_rng(0).standard_normal(1000).astype(np.float32)
    for dtype in (np.float16, bfloat16):
        np.testing.assert_array_equal(cast(values, np.dtype(dtype)), values.astype(dtype))


def rounded_once(value, digits, least):
    """A number rounded to so many binary digits, and a multiple of `least`, ties to even."""
    unit = max(Fraction(2) ** (math.frexp(value)[1] - digits), least)
    return float(round(Fraction(value) / unit) * unit)


@pytest.mark.parametrize(
    ("dtype", "digits", "least"), [(bfloat16, 8, 2**-133), (np.float16, 11, 2**-24)]
)
@given(st.floats(1e-45, 6e4), st.integers(1, 30), st.integers(-1, 1))
@example(1.0, 8, 1)
@example(3e-39, 1, 0)
@settings(deadline=None)
def test_float64_narrows_with_one_rounding(dtype, digits, least, value, place, beside):
    # Ties between two neighbours, and what lies so close to one that float32 cannot tell.
    narrow = float(np.array([value]).astype(np.float32).astype(dtype)[0])
    spacing = max(2.0 ** (math.frexp(narrow)[1] - digits), least)
    values = np.array([value, narrow + spacing / 2 * (1 + beside * 2.0**-place * 2.0**-12)])
    found = cast(np.concatenate([values, -values]), np.dtype(dtype)).astype(np.float64)
    expected = [rounded_once(v, digits, Fraction(least)) for v in values.tolist()]
    assert found.tolist() == [*expected, *(-v for v in expected)]


def test_float32_widens_to_float64():
    values = np.array([1.1, -3e38], np.float32)
    np.testing.assert_array_equal(cast(values, np.dtype(np.float64)), values.astype(np.float64))


def test_float64_narrows_to_float32_within_its_range():
    found = cast(np.array([1e300, -1e300, 0.1]), np.dtype(np.float32))
    largest = np.finfo(np.float32).max
    np.testing.assert_array_equal(found, np.array([largest, -largest, 0.1], np.float32))


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
