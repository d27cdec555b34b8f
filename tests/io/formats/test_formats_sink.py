"""What every sink checks: slabs of the right shape, all of them, and no more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.io.formats.sink import Sink


class Kept(Sink):
    """Keeps the slabs that it is given."""

    def __init__(self, *arguments, order="rows"):
        super().__init__(*arguments)
        self.order = order
        self.slabs, self.finished = [], False

    def _write_slab(self, values):
        self.slabs.append(values)

    def _finish(self):
        self.finished = True


@given(st.data(), st.sampled_from(["rows", "columns"]))
def test_slabs_make_the_matrix(data, order):
    shape = data.draw(st.lists(st.integers(1, 5), min_size=2, max_size=4).map(tuple))
    unfold = data.draw(st.integers(1, len(shape) - 1))
    array = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    sink = Kept(shape, unfold, np.dtype("f4"), order=order)
    matrix = array.reshape(sink.shape)
    axis = 0 if order == "rows" else 1
    at = 0
    while at < sink.shape[axis]:
        height = data.draw(st.integers(1, sink.shape[axis] - at))
        sink.write(np.take(matrix, range(at, at + height), axis))
        at += height
        assert sink.written == at
        if at < sink.shape[axis]:
            with pytest.raises(ValueError, match=f"{at} of {sink.shape[axis]} {order}"):
                sink.close()
    sink.close()
    assert sink.finished
    assert all(slab.dtype == np.float32 for slab in sink.slabs)
    np.testing.assert_array_equal(np.concatenate(sink.slabs, axis), matrix)


@pytest.mark.parametrize("order", ["rows", "columns"])
def test_slabs_that_do_not_fit_are_refused(order):
    sink = Kept((4, 4, 2), 2, np.dtype("f4"), order=order)  # 16 x 2
    assert sink.shape == (16, 2)
    right = (3, 2) if order == "rows" else (16, 1)
    for wrong in (right[::-1], (*right, 1), (3, 3), (15, 1), (0,)):
        with pytest.raises(ValueError, match="slab of shape"):
            sink.write(np.zeros(wrong))
    for _ in range(5 if order == "rows" else 2):
        sink.write(np.zeros(right))
    with pytest.raises(ValueError, match=f"more {order} than the matrix has"):
        sink.write(np.zeros(right))


def test_what_has_the_type_already_is_not_copied():
    values = np.zeros((2, 3), np.float32)
    sink = Kept((2, 3), 1, values.dtype)
    sink.write(values)
    assert sink.slabs[0] is values
