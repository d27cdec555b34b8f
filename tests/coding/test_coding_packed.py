"""Coding ``packed``: every code comes back, from where SPEC.md says it lies."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lplrcli.coding import PackedCoding
from lplrcli.coding.packed import run_bytes


@st.composite
def chunks(draw):
    """Codes of a few components of different depths."""
    bits = draw(st.lists(st.integers(1, 16), max_size=6))
    rows = draw(st.integers(1, 40))
    seed = draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    codes = [generator.integers(0, 2**b, rows).astype(np.uint16) for b in bits]
    return codes, np.array(bits, np.uint8), rows


@given(chunks())
@settings(deadline=None)
def test_codes_come_back(case):
    codes, bits, rows = case
    coding = PackedCoding(bits)
    found = coding.decode_chunk(coding.encode_chunk(codes), rows)
    assert len(found) == len(codes)
    for before, after in zip(codes, found, strict=True):
        np.testing.assert_array_equal(after, before)


@given(chunks())
@settings(deadline=None)
def test_runs_lie_one_after_another_as_specified(case):
    codes, bits, rows = case
    payload = PackedCoding(bits).encode_chunk(codes)
    runs = [naive.pack_codes(c, int(b)) for c, b in zip(codes, bits, strict=True)]
    assert payload == b"".join(runs)
    assert len(payload) == sum(run_bytes(int(b), rows) for b in bits)


@pytest.mark.parametrize("bits", range(1, 17))
@pytest.mark.parametrize("rows", [1, 2, 7, 8, 9, 15, 16, 17, 1000])
def test_decoding_agrees_with_the_slow_twin(bits, rows):
    run = np.random.default_rng(rows).bytes(run_bytes(bits, rows))
    used = bits * rows % 8
    if used:  # the padding must be zero
        run = run[:-1] + bytes([run[-1] & ((1 << used) - 1)])
    (found,) = PackedCoding(np.array([bits], np.uint8)).decode_chunk(run, rows)
    assert found.tolist() == naive.unpack_codes(run, bits, rows)
