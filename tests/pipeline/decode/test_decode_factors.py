"""Factors decoded: any range, any places, and no chunk that is not needed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_decode_reconstruction import RANK, ROWS, CountedChunks, factor

from lplrcli.pipeline.decode.factors import decode_at, decode_factor


@pytest.mark.parametrize("quantizer", ["normal", "uniform"])
@given(st.integers(0, ROWS), st.integers(0, ROWS), st.sampled_from([1, 3]))
@settings(deadline=None, max_examples=40)
def test_any_range_of_a_factor_is_that_of_the_whole(quantizer, a, b, threads):
    sample = factor(RANK, ROWS, 0, quantizer)
    start, stop = min(a, b), max(a, b)
    found = decode_factor(sample, np.dtype(np.float32), start, stop, threads)
    whole = decode_factor(sample, np.dtype(np.float32))
    np.testing.assert_array_equal(found, whole[:, start:stop])


@given(st.sets(st.integers(0, ROWS - 1), min_size=1, max_size=9), st.sampled_from([1, 3]))
@settings(deadline=None, max_examples=40)
def test_any_places_are_those_of_the_whole(places, threads):
    sample = factor(RANK, ROWS, 0)
    counted = CountedChunks(sample.chunks)
    ascending = np.array(sorted(places))
    found = decode_at(replace(sample, chunks=counted), np.dtype(np.float64), ascending, threads)
    whole = decode_factor(sample, np.dtype(np.float64))
    np.testing.assert_array_equal(found, whole[:, ascending])
    # No chunk is read in which no place lies.
    assert counted.asked == {place // sample.chunk_length for place in places}


def test_a_chunk_that_is_lost_is_not_a_number():
    sample = factor(RANK, ROWS, 0)
    chunks = list(sample.chunks)
    chunks[1] = b""
    whole = decode_factor(sample, np.dtype(np.float64))
    found = decode_factor(replace(sample, chunks=chunks), np.dtype(np.float64))
    lost = slice(sample.chunk_length, 2 * sample.chunk_length)
    assert np.isnan(found[:, lost]).all()
    whole[:, lost] = np.nan
    np.testing.assert_array_equal(found, whole)
