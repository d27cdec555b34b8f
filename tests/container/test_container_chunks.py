"""Coded chunks: what their lengths and last bits must be, and sequences of those of a file."""

from __future__ import annotations

import struct

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lplr_samples import pack
from rans_samples import random_codes, tables_for

from lplrcli.container.byte_layout import Section
from lplrcli.container.chunks import (
    GrownChunks,
    RemainingChunks,
    check_length,
    check_packed,
    check_rans,
    chunk_count,
    chunk_rows,
    lengths_of,
    packed_length,
    refusal_of,
)
from lplrcli.errors import CorruptSectionError

DEPTHS = st.lists(st.integers(1, 16), max_size=9).map(bytes)


def section_of(payload, ordinal=2):
    return Section("LEFT", 0, ordinal, 0, 128, len(payload))


def packed(bits, rows, seed=0):
    """A chunk in coding ``packed``, run by run as SPEC.md words it."""
    generator = np.random.default_rng(seed)
    return b"".join(pack(generator.integers(0, 2**depth, rows), depth) for depth in bits)


@given(DEPTHS, st.integers(1, 50))
def test_the_length_of_a_packed_chunk_is_that_of_its_runs(bits, rows):
    chunk = packed(bits, rows)
    assert packed_length(bits, rows) == len(chunk)
    check_length("packed", bits, section_of(chunk), rows)
    check_packed(bits, section_of(chunk), rows, chunk)
    with pytest.raises(CorruptSectionError, match="length of chunk 2") as caught:
        check_length("packed", bits, section_of(chunk + b"x"), rows)
    assert (caught.value.found, caught.value.expected) == (len(chunk) + 1, len(chunk))


@pytest.mark.parametrize(("depth", "rows"), [(1, 9), (3, 5), (7, 7), (16, 3), (5, 8)])
def test_bits_after_the_last_code_of_a_run_are_zero(depth, rows):
    bits = bytes([2, depth, 4])
    chunk = bytearray(packed(bits, rows, seed=1))
    end = -(-2 * rows // 8) + -(-depth * rows // 8)
    unused = -(depth * rows) % 8
    for bit in range(8 - unused, 8):
        spoilt = chunk.copy()
        spoilt[end - 1] |= 1 << bit
        with pytest.raises(CorruptSectionError, match="run padding of component 1 in chunk 2"):
            check_packed(bits, section_of(spoilt), rows, bytes(spoilt))
    check_packed(bits, section_of(chunk), rows, bytes(chunk))


@pytest.mark.parametrize("lane", range(4))
def test_every_lane_of_an_entropy_coded_chunk_starts_from_a_state_that_is_large_enough(lane):
    tables = tables_for(5, machine=3)
    chunk = naive.rans_encode_chunk(random_codes(tables, 5, 7), tables)
    check_rans(tables, section_of(chunk), 7, chunk)
    check_length("rans", tables, section_of(chunk), 7)
    states = list(struct.unpack_from("<4I", chunk))
    states[lane] = 2**16 - 1
    spoilt = struct.pack("<4I", *states) + chunk[16:]
    with pytest.raises(CorruptSectionError, match=f"state of lane {lane} in chunk 2") as caught:
        check_rans(tables, section_of(spoilt), 7, spoilt)
    assert caught.value.offset == 128 + 4 * lane


@pytest.mark.parametrize("length", [0, 14, 17, 15])
def test_an_entropy_coded_chunk_is_four_states_and_words(length):
    with pytest.raises(CorruptSectionError, match="length of chunk"):
        check_length("rans", b"", section_of(bytes(length)), 7)


@given(st.integers(1, 200), st.integers(1, 20).map(lambda eight: 8 * eight))
def test_chunks_cut_a_factor_from_its_start(length, chunk_length):
    record = {"length": length, "chunk_length": chunk_length, "components": 3}
    parts = [range(length)[i : i + chunk_length] for i in range(0, length, chunk_length)]
    assert chunk_count(record) == len(parts)
    rows = [chunk_rows(length, chunk_length, ordinal) for ordinal in range(len(parts))]
    assert rows == [len(part) for part in parts]
    assert chunk_count({**record, "components": 0}) == 0


def test_continued_chunks():
    chunks = GrownChunks([b"a", b"b", b"c"], 2, [b"d", b"e"])
    assert list(chunks) == [b"a", b"b", b"d", b"e"]
    assert (len(chunks), chunks[-1], list(chunks[1:3])) == (4, b"e", [b"b", b"d"])
    with pytest.raises(IndexError):
        chunks[4]


def test_lost_chunks_are_empty_and_not_asked_for():
    class Stored(list):
        def __getitem__(self, at):
            assert at != 1, "this chunk is lost"
            return super().__getitem__(at)

    chunks = RemainingChunks(Stored([b"a", b"b", b"c"]), frozenset({0, 2}))
    assert list(chunks) == [b"a", b"", b"c"]


def test_what_lies_in_no_file_has_lengths_and_no_place():
    error = CorruptSectionError("wrong")
    assert lengths_of([b"a", b"", b"ccc"]) == [1, 0, 3]
    assert refusal_of([b"a"], 0, error) is error
