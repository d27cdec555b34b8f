"""MATLAB files of version 4 and 5, against SciPy."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
from foreign_samples import whole
from hypothesis import given, settings
from hypothesis import strategies as st

from lplrcli.errors import InputError, LplrError, MemoryLimitError, NotAMatrixError
from lplrcli.io import UnfoldingRequest, open_source
from lplrcli.runtime.workspace import limited_memory

A = np.random.default_rng(1).standard_normal((60, 9))
SPARSE = sp.random_array((40, 30), density=0.1, format="csc", rng=np.random.default_rng(2))


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "a.mat")


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("dtype", ["f8", "f4", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"])
def test_every_class_of_version_5(path, compressed, dtype):
    a = np.rint(9 * A).astype("i4").astype(dtype)
    scipy.io.savemat(path, {"u": a}, do_compression=compressed)
    for dataset in (None, "u"):
        source = open_source(path, dataset=dataset)
        assert (source.format, source.dtype) == ("mat", dtype)
        np.testing.assert_array_equal(whole(source), a)


@pytest.mark.parametrize("dtype", ["f8", "f4", "i4", "i2", "u2", "u1"])
def test_every_type_of_version_4(path, dtype):
    a = np.abs(np.rint(9 * A)).astype(dtype)
    scipy.io.savemat(path, {"u": a}, format="4")
    source = open_source(path)
    assert (source.format, source.dtype) == ("mat", dtype)
    np.testing.assert_array_equal(whole(source), a)


def test_doubles_are_doubles_however_matlab_stores_them(path):
    # Integral values of class double in one byte each, as MATLAB saves them.
    data = (
        b"MATLAB 5.0 MAT-file".ljust(124)
        + b"\0\1IM"
        + np.array([14, 48, 6, 8, 6, 0, 5, 8, 2, 2], "<u4").tobytes()
        + b"\1\0\1\0u\0\0\0"
        + b"\2\0\4\0\1\2\3\4"
    )
    Path(path).write_bytes(data)
    source = open_source(path)
    assert source.dtype == np.float64
    np.testing.assert_array_equal(whole(source), [[1, 3], [2, 4]])


@pytest.mark.parametrize("version", ["4", "5"])
def test_sparse_ones_stay_sparse(path, version):
    scipy.io.savemat(path, {"s": SPARSE.tocoo()}, format=version)
    for dataset in (None, "s"):
        source = open_source(path, dataset=dataset)
        assert source.sparse
        np.testing.assert_array_equal(whole(source), SPARSE.toarray())


def test_arrays_and_the_choice(path):
    cube = np.arange(24.0).reshape(2, 3, 4)
    others = {"text": "words", "cell": np.array([[1, "a"]], object), "struct": {"a": A}}
    scipy.io.savemat(path, {"u": A, "cube": cube, **others})
    source = open_source(path, dataset="cube", request=UnfoldingRequest(2))
    np.testing.assert_array_equal(whole(source), cube.reshape(6, 4))
    with pytest.raises(NotAMatrixError, match=r"2 arrays: u \(60x9 double\), cube \(2x3x4 double"):
        open_source(path)
    with pytest.raises(NotAMatrixError, match="'w' does not exist; arrays in the file: u"):
        open_source(path, dataset="w")
    for dataset, kind in {"text": "char", "cell": "cell", "struct": "struct"}.items():
        with pytest.raises(NotAMatrixError, match=f"no matrix of real numbers.*of class {kind}"):
            open_source(path, dataset=dataset)
    scipy.io.savemat(path, {"u": A, **others})
    np.testing.assert_array_equal(whole(open_source(path)), A)
    scipy.io.savemat(path, {"z": A * 1j})
    with pytest.raises(NotAMatrixError, match="of class complex double"):
        open_source(path, dataset="z")
    with pytest.raises(NotAMatrixError, match=r"no matrix of real.*z \(60x9 complex double\)"):
        open_source(path)


def test_a_memory_limit(path):
    scipy.io.savemat(path, {"u": np.zeros((3000, 3000))}, do_compression=True)
    with limited_memory(10**8), pytest.raises(MemoryLimitError):
        open_source(path)


def test_indices_outside_of_the_matrix(path):
    broken = SPARSE.copy()
    stream = io.BytesIO()
    scipy.io.savemat(stream, {"s": broken}, do_compression=False)
    data = stream.getvalue()
    indices = SPARSE.indices.astype("<i4").tobytes()
    assert indices in data
    Path(path).write_bytes(data.replace(indices, b"\xff\xff\xff\x7f" + indices[4:]))
    with pytest.raises(InputError, match=r"a\.mat: the sparse matrix is damaged.*lie outside"):
        open_source(path)


def bytes_of(version, **arrays):
    stream = io.BytesIO()
    scipy.io.savemat(stream, arrays, format=version)
    return stream.getvalue()


SAMPLES = [
    bytes_of(version, s=SPARSE[:5, :4].tocoo(), u=A[:4], text="words") for version in ("4", "5")
]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(SAMPLES),
    st.sampled_from(["u", "s"]),
    st.one_of(
        st.tuples(st.integers(0, 900), st.binary(min_size=1, max_size=4)), st.integers(20, 900)
    ),
)
def test_damage_is_an_error_or_harmless(data, dataset, change):
    if isinstance(change, int):
        data = data[:change]
    else:
        at, piece = change
        data = data[:at] + piece + data[at + len(piece) :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.mat")
        path.write_bytes(data)
        try:
            with limited_memory(2**33):
                source = open_source(str(path), dataset=dataset)
                whole(source) if source.shape[0] * source.shape[1] < 10**6 else None
        except LplrError as error:
            assert isinstance(error, InputError | MemoryLimitError)
            assert str(error).startswith(str(path))
            assert len(str(error).splitlines()) <= 2
