"""The table of formats: suffixes of those that are written, and a module for each."""

from __future__ import annotations

from lplrcli.io import (
    FORMATS,
    format_of_suffix,
    suffix_of_format,
)
from lplrcli.io.formats.table import format_of_folder


def test_suffixes():
    assert format_of_suffix("dir.h5/A.NPY") == "npy"
    assert format_of_suffix("a.mtx.gz") == "mtx"
    assert format_of_suffix("a.hdf5") == "hdf5"
    assert format_of_suffix("a.txt") is None
    written = [key for key, entry in FORMATS.items() if entry.written]
    assert written == ["npy", "hdf5", "mtx"]
    assert all(format_of_suffix("a" + suffix_of_format(key)) == key for key in written)
    assert format_of_suffix("a.npz") is None


def test_every_format_has_a_module_that_does_what_its_line_says():
    for key, entry in FORMATS.items():
        module = entry.load()
        assert callable(module.open_handle), key
        assert hasattr(module, "create_sink") == entry.written, key
        if entry.recognises_folder is not None:
            assert callable(module.open_folder), key


def test_suffixes_belong_to_one_format():
    suffixes = [suffix for entry in FORMATS.values() for suffix in entry.suffixes]
    assert len(set(suffixes)) == len(suffixes)
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in suffixes)


def test_a_folder_is_recognised_by_what_lies_in_it(tmp_path):
    assert format_of_folder(str(tmp_path)) is None
    (tmp_path / ".zarray").write_text("{}")
    assert format_of_folder(str(tmp_path)) == "zarr"
    assert format_of_folder(str(tmp_path / "none")) is None
