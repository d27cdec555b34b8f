"""Rows of a mapped file, in either order and any place, against NumPy's own memory maps."""

from __future__ import annotations

import math

import ml_dtypes
import numpy as np
import pytest

from lplrcli.io.handles import mapped
from lplrcli.io.handles.mapped import MappedHandle, map_array
from lplrcli.model.source import Unfolding


@pytest.fixture
def written(tmp_path):
    def write(array, offset, order):
        path = tmp_path / "a.bin"
        path.write_bytes(bytes(offset) + array.tobytes(order))
        with path.open("rb") as file:
            return map_array(file, array.dtype, array.shape, offset, order == "F")

    return write


def some(shape, dtype):
    return np.random.default_rng(0).integers(0, 100, shape).astype(dtype)


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("offset", [0, 3, 128, 5000])
def test_an_array_lies_where_it_is_said_to(written, order, offset):
    a = some((20, 7, 3), ">f4")
    found, _ = written(a, offset, order)
    np.testing.assert_array_equal(found, a)
    assert not found.flags.writeable


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize("dtype", ["f8", ">f4", "u1", "?", "V2"])
def test_any_rows_are_those_of_the_reshaped_array(written, order, axes, dtype, monkeypatch):
    monkeypatch.setattr(mapped, "_GROUP_BYTES", 300)  # several groups of columns
    native = np.dtype(ml_dtypes.bfloat16 if dtype == "V2" else dtype).newbyteorder("=")
    a = some((40, 6, 5), native if dtype == "V2" else dtype)
    stored, mapping = written(a.view("V2") if dtype == "V2" else a, 9, order)
    handle = MappedHandle(stored, mapping, Unfolding.of(a.shape, axes), native)
    expected = a.reshape(math.prod(a.shape[:axes]), -1).astype(native)
    for start, stop in ((0, 1), (3, 17), (11, 40), (0, len(expected))):
        handle.expect(start, stop)
        for _ in range(2):  # what was dropped is read again
            rows = handle[start:stop]
            assert rows.dtype == native
            assert rows.flags.c_contiguous
            np.testing.assert_array_equal(rows, expected[start:stop])
            handle.release(start, stop)
    other = handle.unfolded(Unfolding.of(a.shape, 3 - axes))
    np.testing.assert_array_equal(other[0 : other.shape[0]], a.reshape(other.shape).astype(native))
    handle.close()


def test_a_system_that_takes_no_advice(written, monkeypatch):
    for advice in ("MADV_SEQUENTIAL", "MADV_WILLNEED", "MADV_DONTNEED"):
        monkeypatch.delattr(mapped.mmap, advice, raising=False)
    a = some((40, 50), "f4")
    for order in "CF":
        handle = MappedHandle(*written(a, 100, order), Unfolding.of(a.shape), a.dtype)
        handle.expect(0, 40)
        np.testing.assert_array_equal(handle[3:40], a[3:40])
        handle.release(0, 40)
        handle.close()


def test_pages_of_both_ends_are_told_of_and_none_beyond_the_file(written):
    a = some((4000, 50), "f4")
    stored, mapping = written(a, 100, "C")
    told = []

    class Watched:
        def __len__(self):
            return len(mapping)

        def madvise(self, advice, begin, length):
            told.append((begin, begin + length))

    handle = MappedHandle(stored, mapping, Unfolding.of(a.shape), a.dtype)
    handle._mapping = Watched()
    handle.release(1000, 2000)
    handle.release(3000, 4000)
    (begin, end), (_, last) = told
    assert begin % mapped.mmap.PAGESIZE == 0
    assert begin <= 100 + 1000 * 200
    assert end >= 100 + 2000 * 200
    assert last == 100 + a.nbytes
    handle.close()
    handle.release(0, 10)  # nothing is there any more
    assert len(told) == 2
