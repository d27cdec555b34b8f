"""Codings: every code comes back, and a damaged chunk is refused."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lplrcli.coding import CODINGS, packed


@st.composite
def chunks(draw):
    """Codes of a few components of different depths."""
    bits = draw(st.lists(st.integers(1, 16), max_size=6))
    rows = draw(st.integers(1, 40))
    seed = draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    codes = [generator.integers(0, 2**b, rows).astype(np.uint16) for b in bits]
    return codes, np.array(bits, np.uint8), rows


@pytest.mark.parametrize("name", sorted(CODINGS))
@given(chunks())
@settings(deadline=None)
def test_codes_come_back(name, case):
    codes, bits, rows = case
    payload = CODINGS[name].encode_chunk(codes, bits)
    found = CODINGS[name].decode_chunk(payload, bits, rows)
    assert len(found) == len(codes)
    for before, after in zip(codes, found, strict=True):
        np.testing.assert_array_equal(after, before)


@given(chunks())
@settings(deadline=None)
def test_runs_lie_one_after_another_as_specified(case):
    codes, bits, rows = case
    payload = packed.encode_chunk(codes, bits)
    runs = [naive.pack_codes(c, int(b)) for c, b in zip(codes, bits, strict=True)]
    assert payload == b"".join(runs)
    assert len(payload) == sum(packed.run_bytes(int(b), rows) for b in bits)


@pytest.mark.parametrize("bits", range(1, 17))
@pytest.mark.parametrize("rows", [1, 2, 7, 8, 9, 15, 16, 17, 1000])
def test_decoding_agrees_with_the_slow_twin(bits, rows):
    run = np.random.default_rng(rows).bytes(packed.run_bytes(bits, rows))
    used = bits * rows % 8
    if used:  # the padding must be zero
        run = run[:-1] + bytes([run[-1] & ((1 << used) - 1)])
    (found,) = packed.decode_chunk(run, np.array([bits], np.uint8), rows)
    assert found.tolist() == naive.unpack_codes(run, bits, rows)
