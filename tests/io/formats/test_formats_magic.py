"""First bytes of files: each format knows its own, and none takes those of another."""

from __future__ import annotations

import io
import zipfile

import pytest
from foreign_samples import bytes_of

from lplrcli.io import FORMATS
from lplrcli.io.formats import magic


@pytest.mark.parametrize("key", FORMATS)
def test_only_its_own_format_recognises_a_file(key):
    raw = bytes_of(key)
    found = [name for name, entry in FORMATS.items() if entry.recognises(io.BytesIO(raw))]
    assert found == [key]


@pytest.mark.parametrize("key", FORMATS)
def test_nothing_is_recognised_in_an_empty_file_or_in_zeros(key):
    for raw in (b"", bytes(4096)):
        assert not FORMATS[key].recognises(io.BytesIO(raw))


@pytest.mark.parametrize("block", [512, 1024, 2048])
def test_hdf5_may_follow_a_user_block(block):
    assert magic.is_hdf5(io.BytesIO(bytes(block) + magic.HDF5_SIGNATURE))
    assert not magic.is_hdf5(io.BytesIO(bytes(block + 1) + magic.HDF5_SIGNATURE))


def test_a_zip_archive_is_what_lies_in_it():
    def archive(*names):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as zipped:
            for name in names:
                zipped.writestr(name, b"{}")
        return io.BytesIO(stream.getvalue())

    assert magic.is_npz(archive("a.npy", "b.txt"))
    assert not magic.is_npz(archive("b.txt"))
    assert magic.is_zipped_zarr(archive("zarr.json"))
    assert magic.is_zipped_zarr(archive("a.zarr/zarr.json"))
    assert not magic.is_zipped_zarr(archive("b.txt"))


def test_a_banner_counts_in_any_case():
    assert magic.is_mtx(io.BytesIO(b"%%matrixMARKET matrix"))
    assert not magic.is_mtx(io.BytesIO(b"%MatrixMarket"))
