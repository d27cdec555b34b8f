"""libmagic, which is what ``file -m`` runs, recognises what is written."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path

import magic
import pylibmagic  # noqa: F401 - makes its library the one that python-magic loads
from lplr_samples import factorization, written

from lplrcli.container.byte_layout import FIRST_MINOR
from lplrcli.runtime.format_files import format_folder

TESTDATA = Path(__file__).parents[2] / "testdata"


@cache
def reader(**options):
    return magic.Magic(magic_file=str(format_folder() / "lplr.magic"), **options)


def test_file_names_the_format_and_its_version(tmp_path):
    path = tmp_path / "matrix"
    path.write_bytes(written(factorization()))
    expected = "lplr compressed matrices, format {}.{}".format(*FIRST_MINOR)
    assert reader().from_file(str(path)) == expected
    assert reader(mime=True).from_file(str(path)) == "application/x-lplr"


def test_file_names_the_version_of_every_golden_file():
    for path in TESTDATA.glob("golden/*/*.lplr"):
        version = path.parent.name.removeprefix("v")
        found = reader().from_file(str(path))
        assert found == f"lplr compressed matrices, format {version}", path


def test_versions_to_come_are_named_too():
    raw = bytearray(written(factorization()))
    raw[8:12] = struct.pack("<HH", 65535, 300)
    found = reader().from_buffer(bytes(raw))
    assert found == "lplr compressed matrices, format 65535.300"


def test_file_does_not_name_other_files():
    raw = written(factorization())
    damaged = [b"x" + raw, raw[1:], raw[:5], raw.replace(b"\r\x1a\n", b"\n\x1a\n", 1), b""]
    for each in damaged:
        assert "lplr" not in reader().from_buffer(each)
    others = {path for path in TESTDATA.rglob("*") if path.is_file()}
    others -= set(TESTDATA.rglob("*.lplr"))
    assert len(others) > 100
    for path in others:
        assert "lplr" not in reader().from_file(str(path)), path
