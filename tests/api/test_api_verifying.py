"""Whether a file is whole: what is damaged is told, and is no error."""

from __future__ import annotations

import pytest
from lplr_samples import factorization, written

import lplrcli
from lplrcli.container.reader import open_container
from lplrcli.errors import CorruptSectionError, InputError, MemoryLimitError, NotLplrError


@pytest.fixture
def path(tmp_path):
    raw = written(factorization((40, 10), (3, 1)), factorization((12, 5), mode="direct"))
    (tmp_path / "a.lplr").write_bytes(raw)
    return tmp_path / "a.lplr"


def test_a_whole_file_is_whole(path):
    for name in (path, str(path)):
        found = lplrcli.verify(name, threads=1)
        assert found.ok
        assert not found.damage
        assert (found.matrices, found.path) == (2, str(path))


def test_every_fault_is_told_with_its_place(path):
    raw = bytearray(path.read_bytes())
    with path.open("rb") as file, open_container(file, "a") as container:
        hurt = [s for s in container.sections if s.tag in ("LEFT", "RESD")][::3]
    for section in hurt:
        raw[section.offset] ^= 1
    path.write_bytes(raw)
    found = lplrcli.verify(path)
    assert not found.ok
    assert [(error.section, error.offset) for error in found.damage] == [
        (section.tag, section.offset) for section in hurt
    ]
    assert all(isinstance(error, CorruptSectionError) for error in found.damage)


def test_files_of_any_content_are_told_of(path):
    path.write_bytes(path.read_bytes()[:-30])
    assert not lplrcli.verify(path).ok
    path.write_bytes(b"text")
    (error,) = lplrcli.verify(path).damage
    assert isinstance(error, NotLplrError)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        lplrcli.verify(tmp_path / "none.lplr")


def test_memory_that_no_chunk_fits_is_an_error(path):
    with pytest.raises(MemoryLimitError):
        lplrcli.verify(path, memory_limit=1)
