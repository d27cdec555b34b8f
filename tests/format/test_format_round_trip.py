"""What is written comes back, bit for bit, in one forward pass of predicted size."""

from __future__ import annotations

import dataclasses
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lplr_samples import factorization, read_all, written

from lplrcli.container.byte_layout import CHUNK_TAGS
from lplrcli.container.reader import open_container
from lplrcli.container.writer import container_size
from lplrcli.errors import CorruptSectionError


def assert_same(a, b):
    for key in ("shape", "dtype", "plan", "report", "source", "rank", "array_shape", "unfold"):
        assert getattr(a, key) == getattr(b, key)
    for side in CHUNK_TAGS:
        one, other = a.parts.get(side), b.parts.get(side)
        assert (one is None) == (other is None)
        if one is not None:
            for f in dataclasses.fields(one):
                if f.name not in ("chunks", "basis"):
                    assert getattr(one, f.name) == getattr(other, f.name)
            assert list(one.chunks) == list(other.chunks)


@st.composite
def factorizations(draw):
    mode = draw(st.sampled_from(["factors", "direct", "factors+residual"]))
    quantizer = draw(st.sampled_from(["uniform", "normal", "deadzone", "trellis"]))
    depth = st.integers(1, 16)
    bits = draw(st.lists(depth, max_size=4))
    if quantizer == "uniform":
        bits = [draw(depth)] * len(bits)
    extent = st.integers(4, 40) if quantizer in ("deadzone", "trellis") else st.integers(1, 40)
    shape = draw(st.tuples(extent, extent))
    means = draw(st.sets(st.sampled_from(["row", "column"]))) if bits else ()
    exponent = draw(st.integers(-1100, 1100))
    return factorization(shape, bits, mode, quantizer, means=means, exponent=exponent)


@settings(max_examples=60, deadline=None)
@given(st.lists(factorizations(), min_size=1, max_size=3))
def test_round_trip(matrices):
    raw = written(*matrices)
    assert len(raw) == container_size(matrices)
    found = read_all(raw)
    assert len(found) == len(matrices)
    for given_, read in zip(matrices, found, strict=True):
        assert_same(given_, read)
    assert written(*found) == raw


def test_an_array_and_its_unfolding():
    f = factorization((12, 10))
    assert (f.array_shape, f.unfold) == ((12, 10), 1)
    f = dataclasses.replace(
        f,
        left=dataclasses.replace(f.left, grid=(4, 3)),
        right=dataclasses.replace(f.right, grid=(5, 2)),
        array_shape=(4, 3, 5, 2),
        unfold=2,
    )
    raw = written(f)
    assert container_size([f]) == len(raw)
    assert_same(open_container(io.BytesIO(raw), "a.lplr").factorization(), f)
    for wrong in ({"array_shape": (4, 3, 5)}, {"unfold": 1}, {"unfold": 5}):
        with pytest.raises(CorruptSectionError, match=r"metadata: (array|matrix)"):
            written(dataclasses.replace(f, **wrong))
