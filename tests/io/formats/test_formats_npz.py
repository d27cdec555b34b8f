"""NumPy's .npz archives against what NumPy writes."""

from __future__ import annotations

import zipfile

import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from zip_samples import A, archive, central

from lplrcli.errors import LplrError, NotAMatrixError
from lplrcli.io import open_source

SAVE = {"stored": np.savez, "deflated": np.savez_compressed}


def whole(source):
    with source:
        return np.concatenate(list(source.map_blocks(lambda block: block.values.copy())))


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "a.npz")


@pytest.fixture(params=SAVE)
def save(request):
    return SAVE[request.param]


@pytest.mark.parametrize("dtype", [*"?bBhHiIqQefd", ">f4", ml_dtypes.bfloat16], ids=str)
def test_every_type(path, save, dtype):
    a = np.arange(60).reshape(12, 5).astype(dtype)
    save(path, a)
    source = open_source(path)
    assert (source.format, source.name, source.sparse) == ("npz", path, False)
    assert source.dtype == a.dtype.newbyteorder("=")
    np.testing.assert_array_equal(whole(source), a)


@pytest.mark.parametrize("order", "CF")
def test_arrays_by_name(path, save, order):
    b = np.asarray(np.arange(24.0).reshape(2, 3, 4), order=order)
    save(path, **{"u": A, "deep/v": b, "t": np.arange(3), "o": np.arange(4) > 2})
    np.testing.assert_array_equal(whole(open_source(path, dataset="u")), A)
    np.testing.assert_array_equal(whole(open_source(path, dataset="u.npy")), A)
    np.testing.assert_array_equal(whole(open_source(path, dataset="deep/v")), b.reshape(2, 12))
    with pytest.raises(NotAMatrixError, match=r"2 arrays: u \(60x9 float32\), deep/v"):
        open_source(path)
    with pytest.raises(NotAMatrixError, match=r"'w' does not exist; arrays in the file: u"):
        open_source(path, dataset="w")
    with pytest.raises(NotAMatrixError, match=r"a\.npz:t: .*1-dimensional"):
        open_source(path, dataset="t")


def test_the_only_matrix_among_other_things(path, save):
    save(path, t=np.arange(3), u=A, text=np.array(["a"]), o=np.array([None]))
    np.testing.assert_array_equal(whole(open_source(path)), A)
    save(path, t=np.arange(3))
    with pytest.raises(NotAMatrixError, match=r"no matrix.*t \(3 int64\)"):
        open_source(path)


def test_pickles_are_not_loaded(path, save):
    save(path, np.array([[{}, 1]], object))
    with pytest.raises(NotAMatrixError, match="object"):
        open_source(path, dataset="arr_0")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_changed_bytes_raise_only_our_errors(tmp_path, data):
    raw = bytearray(archive(data.draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))))
    begin = central(raw)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, 200) | st.integers(begin, len(raw) - 1))
        raw[place % len(raw)] = data.draw(st.integers(0, 255))
    (tmp_path / "a.npz").write_bytes(raw)
    try:
        source = open_source(str(tmp_path / "a.npz"))
    except LplrError:
        return
    assert whole(source).size < 10**6
