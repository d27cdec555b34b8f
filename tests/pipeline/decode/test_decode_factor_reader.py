"""Entries of factors: equal to those decoded at once, and each chunk decoded as often as needed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_decode_reconstruction import COLUMNS, ROWS, CountedChunks, factorization

from lplrcli.pipeline.decode.factor_reader import FactorReader, Keeping
from lplrcli.pipeline.decode.factors import decode_factor
from lplrcli.pipeline.decode.kept_arrays import WHOLE, KeptArrays

PLACES = [
    slice(0, ROWS), slice(70, 80), slice(60, 200), slice(5, 5), np.array([3, 4, 64, 300]),
    np.array([299]),
]  # fmt: skip


@pytest.mark.parametrize("most", [None, 0, 1, 3000, 10**9])
@pytest.mark.parametrize("whole_first", [False, True])
def test_entries_are_those_that_decoding_gives(most, whole_first):
    made = factorization("factors")
    expected = decode_factor(made.left, np.dtype(np.float64))
    reader = FactorReader(made, 2, None if most is None else KeptArrays(most))
    if whole_first:
        np.testing.assert_array_equal(reader.whole("left"), expected)
    for places in PLACES * 2:
        np.testing.assert_array_equal(reader.at("left", places), expected[:, places])
    np.testing.assert_array_equal(reader.chunk("left", 2), expected[:, 128:192])
    np.testing.assert_array_equal(reader.whole("left"), expected)


def test_each_chunk_is_decoded_once():
    made = factorization("factors")
    chunks = CountedChunks(made.left.chunks)
    made = replace(made, left=replace(made.left, chunks=chunks))
    reader = FactorReader(made, 1, KeptArrays(10**9))
    reader.at("left", slice(70, 80))
    assert chunks.asked == {1}
    chunks.asked.clear()
    reader.at("left", np.array([66, 200]))
    assert chunks.asked == {3}
    chunks.asked.clear()
    reader.whole("left")
    assert chunks.asked == {0, 2, 4}
    chunks.asked.clear()
    reader.at("left", slice(0, 300))
    assert chunks.asked == set()


def test_a_whole_factor_takes_the_place_of_its_chunks():
    made = factorization("factors")
    kept = KeptArrays(10**9)
    reader = FactorReader(made, 1, kept)
    reader.at("left", slice(0, 100))
    whole = reader.whole("left")
    assert kept.held == whole.nbytes
    assert reader.whole("left") is not None
    assert np.shares_memory(reader.whole("left"), whole)


@pytest.mark.parametrize("keeping", Keeping)
def test_chunks_are_added_as_asked(keeping):
    made = factorization("factors")
    kept = KeptArrays(COLUMNS * 100)
    kept.put(("right", WHOLE), np.zeros(COLUMNS * 100 // 8 - 10))
    reader = FactorReader(made, 1, kept, keeping)
    reader.at("left", slice(0, 10))
    assert (kept.get(("left", 0)) is not None) == (keeping is Keeping.ALWAYS)
    assert (kept.get(("right", WHOLE)) is None) == (keeping is Keeping.ALWAYS)
