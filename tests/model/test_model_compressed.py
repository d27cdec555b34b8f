"""What one matrix of a file holds: its parts by name, and how many vectors a basis may have."""

from __future__ import annotations

import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lplr_samples import factorization, with_basis

from lplrcli.model.compressed import basis_stride, most_vectors
from lplrcli.model.source import Unfolding

GRIDS = st.lists(st.integers(1, 5000), min_size=1, max_size=4).map(tuple)


class Chunks(list):
    """Chunks that lie in a file: they cannot be pickled."""

    def __reduce__(self):
        raise TypeError("an open file")


@pytest.mark.parametrize(
    ("mode", "means", "names", "rank"),
    [
        ("factors", (), ["left", "right"], 2),
        ("direct", (), ["residual"], 0),
        ("factors+residual", (), ["left", "right", "residual"], 2),
        ("factors", ("row", "column"), ["left", "right", "mean_row", "mean_column"], 2),
        ("factors", ("column",), ["left", "right", "mean_column"], 2),
    ],
)
def test_parts_are_named_as_in_files(mode, means, names, rank):
    found = factorization(mode=mode, means=means)
    assert list(found.parts) == names
    assert found.rank == rank
    for name, part in found.parts.items():
        assert getattr(found, name) is part
    assert found.means == (found.mean_row, found.mean_column)


def test_a_basis_is_a_part_beside_its_factor():
    found = with_basis()
    assert list(found.parts) == ["left", "right", "left_basis"]
    assert found.parts["left_basis"] is found.left.basis


def test_a_matrix_is_its_own_array():
    found = factorization((12, 10))
    assert found.array_shape == (12, 10)
    assert found.unfolding == Unfolding.of((12, 10))


def test_what_is_held_travels_to_another_process():
    found = with_basis()
    object.__setattr__(found.left, "chunks", Chunks(found.left.chunks))
    object.__setattr__(found.left.basis, "chunks", Chunks(found.left.basis.chunks))
    with pytest.raises(TypeError, match="an open file"):
        pickle.dumps(found)
    again = pickle.loads(pickle.dumps(found.held()))
    assert again == found.held()
    assert again.left.chunks == list(found.left.chunks)
    assert again.left.basis.chunks == list(found.left.basis.chunks)


@given(GRIDS)
def test_the_stride_holds_the_longest_axis_in_whole_bytes(grid):
    stride = basis_stride(grid)
    assert stride % 8 == 0
    assert max(grid) <= stride < max(grid) + 8


@given(GRIDS, st.integers(1, 300))
def test_a_basis_has_no_more_vectors_than_its_axis_and_its_memory(grid, components):
    count = most_vectors(grid, components)
    entries = max(2**20, components * math.prod(grid))
    assert count <= max(grid)
    assert count * len(grid) * basis_stride(grid) <= entries
    if count < max(grid):
        assert (count + 1) * len(grid) * basis_stride(grid) > entries
