"""Writing an HDF5 dataset, against h5py; failing streams and signals do not crash its library."""

from __future__ import annotations

import io
import signal

import h5py
import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lplrcli.errors import OutputError
from lplrcli.io import create_sink, open_source


def whole(source):
    with source:
        return np.concatenate(list(source.map_blocks(lambda block: block.values.copy())))


class Pipe(io.RawIOBase):
    """Takes bytes forwards and nothing else."""

    def __init__(self):
        super().__init__()
        self.data = b""

    def writable(self):
        return True

    def write(self, data):
        self.data += bytes(data)
        return len(data)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.integers(1, 40),
    columns=st.integers(1, 40),
    step=st.integers(1, 41),
    dtype=st.sampled_from(["?", "i1", "u8", "f2", "f4", "f8", ml_dtypes.bfloat16]),
    gzip=st.booleans(),
    pipe=st.booleans(),
)
def test_writes_what_h5py_reads(tmp_path, rows, columns, step, dtype, gzip, pipe):
    a = (np.arange(rows * columns).reshape(rows, columns) % 2).astype(dtype)
    stream = Pipe() if pipe else io.BytesIO()
    sink = create_sink("hdf5", stream, a.shape, a.dtype, dataset="g/x", gzip=gzip)
    assert sink.order == "rows"
    for start in range(0, rows, step):
        sink.write(a[start : start + step])
    sink.close()
    data = stream.data if pipe else stream.getvalue()
    assert not stream.closed
    with h5py.File(io.BytesIO(data)) as file:
        assert file["g/x"].compression == ("gzip" if gzip else None)
    (tmp_path / "a.h5").write_bytes(data)
    source = open_source(str(tmp_path / "a.h5"))
    assert source.dtype == a.dtype
    np.testing.assert_array_equal(whole(source), a)


@pytest.mark.parametrize("dataset", ["", "/", ".", "a/..", "a\0b"])
def test_sink_refuses_bad_names(dataset):
    with pytest.raises(OutputError):
        create_sink("hdf5", io.BytesIO(), (2, 2), "f4", dataset=dataset)


def test_a_signal_within_the_library_is_handled_after_it(tmp_path):
    class Interrupted(BaseException):
        pass

    def handle(number, frame):
        raise Interrupted

    class Signalling(io.FileIO):
        def write(self, data):
            signal.raise_signal(signal.SIGTERM)
            return super().write(data)

    before = signal.signal(signal.SIGTERM, handle)
    try:
        with Signalling(tmp_path / "a.h5", "w+") as stream, pytest.raises(Interrupted):
            sink = create_sink("hdf5", stream, (5000, 400), np.float64, gzip=True)
            for _ in range(50):
                sink.write(np.random.default_rng(0).standard_normal((100, 400)))
            sink.close()
        assert signal.getsignal(signal.SIGTERM) is handle
    finally:
        signal.signal(signal.SIGTERM, before)
