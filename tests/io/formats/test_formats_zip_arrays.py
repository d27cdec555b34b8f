"""Arrays in zip archives: mapped where they lie, checked where they are inflated."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from zip_samples import CONTENT, A, archive, central, changed

from lplrcli.errors import InputError
from lplrcli.io import open_source


def whole(source):
    with source:
        return np.concatenate(list(source.map_blocks(lambda block: block.values.copy())))


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "a.npz")


def test_what_is_stored_is_mapped_where_it_lies(path, tmp_path, monkeypatch):
    np.savez(path, u=A)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "none"))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr("lplrcli.io.formats.zip_arrays.spooled", None)
    np.testing.assert_array_equal(whole(open_source(path)), A)


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_every_method_of_compression(path, tmp_path, method):
    (tmp_path / "a.npz").write_bytes(archive(method))
    np.testing.assert_array_equal(whole(open_source(path)), A)


def damaged():
    deflated, stored = archive(), archive(zipfile.ZIP_STORED)
    huge = CONTENT.replace(b"(60, 9), }" + b" " * 6, b"(60000000, 9), }")
    assert len(huge) == len(CONTENT)
    assert huge != CONTENT
    return {
        "bad checksum": (changed(deflated, central(deflated) + 16, 1), "CRC-32"),
        "cut": (deflated[:-30], "cannot be read"),
        "cut at its end": (deflated[:-1], "cannot be read"),
        "broken stream": (deflated.replace(deflated[60:90], bytes(30)), "cannot be read"),
        "array beyond its member": (archive(content=huge), "cut short"),
        "stored array beyond its member": (archive(zipfile.ZIP_STORED, huge), "cut short"),
        "member beyond its array": (archive(content=CONTENT + bytes(10**6)), "bytes follow"),
        "size not told": (changed(deflated, central(deflated) + 24, 10**9), "bytes follow"),
        "less than told": (changed(deflated, central(deflated) + 24, -4), "CRC-32|cut short"),
        "stored beyond the file": (changed(stored, central(stored) + 42, 2000), "cannot be read"),
        "stored elsewhere": (changed(stored, central(stored) + 42, 4), "cannot be read"),
        "stored over the directory": (
            changed(changed(stored, central(stored) + 24, 4), central(stored) + 20, 4),
            "u: .*bytes follow|place of u.npy",
        ),
        "encrypted": (changed(deflated, central(deflated) + 8, 1), "encrypted"),
        "of deflate64": (changed(deflated, central(deflated) + 10, 1), r"method 9 \(deflate64\)"),
        "no npy inside": (archive(content=b"hello"), "magic"),
        "npy of nothing": (archive(content=b""), "magic"),
    }


@pytest.mark.parametrize("case", damaged())
def test_damaged_archives(path, tmp_path, monkeypatch, case):
    data, fault = damaged()[case]
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(InputError, match=fault) as caught:
        open_source(path, dataset="u")
    assert len(str(caught.value).splitlines()) <= 2
    assert str(caught.value).startswith(path)


def test_a_bomb_is_not_inflated(path, tmp_path, monkeypatch):
    bomb = archive(content=CONTENT + bytes(5 << 20))
    assert len(bomb) < 1 << 16
    (tmp_path / "a.npz").write_bytes(bomb)
    monkeypatch.setattr("lplrcli.io.formats.zip_arrays.spooled", None)
    with pytest.raises(InputError, match="bytes follow"):
        open_source(path, dataset="u")
