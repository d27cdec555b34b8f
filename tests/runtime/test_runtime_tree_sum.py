from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.runtime.tree_sum import GROUP, TreeSum, group_sum


def tree(parts: list[np.ndarray]) -> np.ndarray:
    """Groups of neighbours, groups of their sums, until one is left."""
    while True:
        parts = [group_sum(parts[k : k + GROUP]) for k in range(0, len(parts), GROUP)]
        if len(parts) == 1:
            return parts[0]


@given(count=st.integers(1, 600), seed=st.integers(0, 99), single=st.booleans())
def test_a_stream_of_parts_gives_the_bits_of_the_tree(count: int, seed: int, single: bool) -> None:
    dtype = np.float32 if single else np.float64
    parts = list(np.random.default_rng(seed).standard_normal((count, 2, 3)).astype(dtype))
    before = [part.copy() for part in parts]
    streamed = TreeSum()
    for part in parts:
        streamed.add(part)
    found = streamed.total()
    assert found.dtype == np.float64
    assert np.array_equal(found, tree(parts))
    assert all(np.array_equal(part, kept) for part, kept in zip(parts, before, strict=True))
    # numpy.sum adds by pairs, in the precision it is told.
    assert np.allclose(found, np.sum(parts, axis=0, dtype=np.float64), rtol=1e-5, atol=1e-5)


def test_few_parts_are_added_in_their_own_precision_and_many_in_float64() -> None:
    parts = [np.full(1, value, np.float32) for value in (1.0, *[2.0**-25] * 7)]
    assert group_sum(parts)[0] == 1.0
    assert tree(parts * 8)[0] == 8.0
    assert tree([np.full(1, 2.0**-25, np.float32)] * 8 + parts)[0] > 1.0


def test_nothing_has_no_sum() -> None:
    with pytest.raises(ValueError, match="nothing"):
        TreeSum().total()
