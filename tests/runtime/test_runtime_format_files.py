"""Where the files of the format are: beside the sources, or inside an installed package."""

from __future__ import annotations

import json
from pathlib import Path

import lplrcli
from lplrcli.runtime import format_files

FILES = ("SPEC.md", "decode.py", "lplr.ksy", "metadata.schema.json", "metadata.dict")


def test_every_file_of_the_format_is_there() -> None:
    for name in FILES:
        path = format_files.format_folder() / name
        assert format_files.read_definition(name) == path.read_bytes() != b""
    assert isinstance(json.loads(format_files.read_definition("metadata.schema.json")), dict)


def test_the_copy_in_an_installed_package_is_preferred(tmp_path: Path, monkeypatch) -> None:
    package = tmp_path / "lplrcli"
    beside = tmp_path / "formats" / "lplr"
    monkeypatch.setattr(format_files, "__file__", str(package / "runtime" / "format_files.py"))
    beside.mkdir(parents=True)
    assert format_files.format_folder() == beside
    inside = package / "_formats" / "lplr"
    inside.mkdir(parents=True)
    (inside / "SPEC.md").write_bytes(b"installed")
    assert format_files.format_folder() == inside
    assert format_files.read_definition("SPEC.md") == b"installed"


def test_the_folder_lies_where_the_package_is() -> None:
    assert Path(lplrcli.__file__).resolve().parents[1] in format_files.format_folder().parents
