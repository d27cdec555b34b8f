"""libmagic, which is what ``file -m`` runs, recognises what is written."""

from __future__ import annotations

import magic
import pylibmagic  # noqa: F401 - makes its library the one that python-magic loads
from lplr_samples import factorization, written

from lplrcli.model.definitions import format_folder


def describe(path, **options):
    reader = magic.Magic(magic_file=str(format_folder() / "lplr.magic"), **options)
    return reader.from_file(str(path))


def test_file_names_the_format_and_its_version(tmp_path):
    path = tmp_path / "matrix"
    path.write_bytes(written(factorization()))
    assert describe(path) == "LPLR compressed matrix, format version 1.0"
    assert describe(path, mime=True) == "application/x-lplr"


def test_file_does_not_name_other_files(tmp_path):
    path = tmp_path / "matrix"
    path.write_bytes(b"x" + written(factorization()))
    assert "LPLR" not in describe(path)
