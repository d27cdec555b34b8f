"""``file(1)`` recognises what is written, by the magic that the format folder ships."""

from __future__ import annotations

import subprocess

from lplr_samples import factorization, written

from lplrcli.model.definitions import format_folder


def describe(path, *options):
    # Where file(1) is missing this fails: the magic is part of the format.
    command = ["file", "--brief", *options, "-m", str(format_folder() / "lplr.magic"), str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_file_names_the_format_and_its_version(tmp_path):
    path = tmp_path / "matrix"
    path.write_bytes(written(factorization()))
    assert describe(path) == "LPLR compressed matrix, format version 0.1"
    assert describe(path, "--mime-type") == "application/x-lplr"


def test_file_does_not_name_other_files(tmp_path):
    path = tmp_path / "matrix"
    path.write_bytes(b"x" + written(factorization()))
    assert "LPLR" not in describe(path)
