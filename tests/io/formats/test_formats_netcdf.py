"""netCDF classic files, against SciPy."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from foreign_samples import whole
from hypothesis import given, settings
from hypothesis import strategies as st

from lplrcli.errors import InputError, LplrError, NotAMatrixError
from lplrcli.io import UnfoldingRequest, open_source

A = np.random.default_rng(1).standard_normal((60, 9))


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "a.nc")


def written(path, version=1, records=False, **arrays):
    with scipy.io.netcdf_file(path, "w", version=version) as file:
        for name, array in arrays.items():
            sides = []
            for axis, extent in enumerate(array.shape):
                side = "t" if records and axis == 0 else f"n{extent}"
                if side not in file.dimensions:
                    file.createDimension(side, None if side == "t" else extent)
                sides.append(side)
            file.createVariable(name, array.dtype.newbyteorder(">"), sides)[:] = array
        if isinstance(path, io.BytesIO):
            file.flush()
            return path.getvalue()
    return None


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "f4", "f8"])
def test_every_type(path, version, dtype):
    a = np.rint(9 * A).astype(dtype)
    written(path, version, u=a, t=a[:, 0])
    for dataset in (None, "u"):
        source = open_source(path, dataset=dataset)
        assert (source.format, source.dtype) == ("netcdf", dtype)
        np.testing.assert_array_equal(whole(source), a)


def test_records_of_several_variables(path):
    cube = np.arange(60.0 * 4 * 3).reshape(60, 4, 3).astype("f4")
    written(path, records=True, t=A[:, 0], u=A, cube=cube)
    np.testing.assert_array_equal(whole(open_source(path, dataset="u")), A)
    source = open_source(path, dataset="cube", request=UnfoldingRequest(2))
    np.testing.assert_array_equal(whole(source), cube.reshape(240, 3))
    written(path, records=True, u=A)
    np.testing.assert_array_equal(whole(open_source(path)), A)


def test_the_choice_and_what_is_no_matrix(path):
    text = np.full((3, 4), b"a", "S1")
    written(path, u=A, v=A[:5], text=text)
    with pytest.raises(NotAMatrixError, match=r"2 arrays: u \(60x9 >f8\), v \(5x9 >f8\)"):
        open_source(path)
    with pytest.raises(NotAMatrixError, match="'w' does not exist; arrays in the file: u"):
        open_source(path, dataset="w")
    with pytest.raises(NotAMatrixError, match="not of a type"):
        open_source(path, dataset="text")


def test_64_bit_data_is_refused(path):
    Path(path).write_bytes(b"CDF\5" + bytes(40))
    with pytest.raises(InputError, match=r"CDF-5.*\nConvert it.*nccopy -k nc4"):
        open_source(path)


WHOLE = written(io.BytesIO(), u=A[:6], v=A[:5, 0], w=np.ones((3, 3), "i2"))
RECORDS = written(io.BytesIO(), records=True, u=A[:6], v=A[:6, 0])


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([WHOLE, RECORDS]),
    st.one_of(
        st.tuples(st.integers(4, 200), st.binary(min_size=1, max_size=4)),
        st.integers(4, len(WHOLE)),
    ),
)
def test_damage_is_an_error_or_harmless(data, change):
    if isinstance(change, int):
        data = data[:change]
    else:
        at, piece = change
        data = data[:at] + piece + data[at + len(piece) :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.nc")
        path.write_bytes(data)
        try:
            whole(open_source(str(path), dataset="u"))
        except LplrError as error:
            assert isinstance(error, InputError)
            assert str(error).startswith(str(path))
            assert len(str(error).splitlines()) <= 2
