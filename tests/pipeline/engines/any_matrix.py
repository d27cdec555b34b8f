"""Matrices of any type, shape, kind and scale, and how far off what decodes is."""

from __future__ import annotations

import matrices
import naive
import numpy as np
from hypothesis import strategies as st
from ml_dtypes import bfloat16, finfo

import lplrcli

MODES = ["factors", "factors+residual", "direct"]


DTYPES = [
    *("float16", "float32", "float64", "bfloat16", "bool"),
    *("int8", "uint8", "int16", "int32", "int64", "uint64"),
]


SHAPES = st.one_of(
    st.tuples(st.just(1), st.integers(1, 60)),
    st.tuples(st.integers(1, 60), st.just(1)),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
)


KINDS = ["white", "decaying", "rank 1", "zero", "sparse", "constant", "one hot", "mixed"]


EXPONENTS = st.floats(-6, -0.05)


def drawn(kind, shape, seed):
    """A matrix whose largest entry is 1, or 0."""
    generator = np.random.default_rng(seed)
    a = generator.standard_normal(shape)
    if kind == "decaying":
        a = matrices.with_spectrum(*shape, 2.0 ** -np.arange(min(shape)), seed, np.float64)
    elif kind == "rank 1":
        a = np.outer(a[:, 0], a[0])
    elif kind == "zero":
        a = np.zeros(shape)
    elif kind == "sparse":
        a *= generator.random(shape) < 0.2
    elif kind == "constant":
        a = np.full(shape, a[0, 0])
    elif kind == "one hot":
        a = np.eye(max(shape))[: shape[0], : shape[1]]
    elif kind == "mixed":  # most entries are nothing beside the largest
        a *= 10.0 ** generator.integers(-20, 20, shape)
    return a / (np.abs(a).max() or 1.0)


@st.composite
def any_matrix(draw):
    """Of any type, shape, kind and scale, from among the denormals to the end of the type."""
    a = drawn(draw(st.sampled_from(KINDS)), draw(SHAPES), draw(st.integers(0, 2**32 - 1)))
    name = draw(st.sampled_from(DTYPES))
    dtype = np.dtype(bfloat16 if name == "bfloat16" else name)
    if dtype.kind == "b":
        return a > 0
    if dtype.kind in "iu":
        largest = draw(st.sampled_from([1, 5, 100, int(np.iinfo(dtype).max * 0.99)]))
        a = np.rint(a * largest)
        return (np.abs(a) if dtype.kind == "u" else a).astype(dtype)
    limits = finfo(dtype)
    scale = draw(st.sampled_from([1.0, 1e-30, 1e-10, 1e10, 1e30, float(limits.smallest_subnormal)]))
    return np.clip(a * scale * draw(st.floats(0.5, 99)), limits.min, limits.max).astype(dtype)


def distances(a, decoded):
    """Relative error, and the largest error over the largest entry; no square leaves the range."""
    a, decoded = (np.asarray(x).astype(np.float64) for x in (a, decoded))
    assert np.isfinite(decoded).all()
    if not a.any():
        return (np.inf, np.inf) if decoded.any() else (0.0, 0.0)
    exponent = -int(np.frexp(np.abs(a).max())[1])
    a, decoded = np.ldexp(a, exponent), np.ldexp(decoded, exponent)
    return naive.relative_error(a, decoded), np.abs(a - decoded).max() / np.abs(a).max()


def reopened(found, folder):
    """What is on disk, not what is in memory."""
    found.save(folder / "a.lplr")
    with lplrcli.open(folder / "a.lplr") as again:
        return np.asarray(again)
