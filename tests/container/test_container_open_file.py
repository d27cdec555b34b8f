"""An open file: its name, size and version, closed with its block, its metadata counted."""

from __future__ import annotations

import io

import pytest
from lplr_samples import Draft, factorization, written

from lplrcli.container import metadata_budget
from lplrcli.container.byte_layout import FIRST_VERSION
from lplrcli.container.reader import open_container
from lplrcli.container.salvage import salvage_container
from lplrcli.container.zstd_frames import stated_size
from lplrcli.errors import CorruptSectionError

RAW = written(factorization(), factorization(mode="direct"))
OPENED = pytest.mark.parametrize("open_file", [open_container, salvage_container])


@OPENED
def test_it_says_what_it_was_opened_from(open_file):
    with open_file(io.BytesIO(RAW), "some name") as found:
        assert (found.path, found.file_bytes, found.version) == ("some name", len(RAW), (1, 0))
        tags = [section.tag for section in found.sections]
        assert tags[:2] == ["META", "COMP"]
        for section in found.sections:
            assert RAW[section.header_offset :][:4] == section.tag.encode()


def test_the_version_is_that_of_the_file():
    draft = Draft(written(factorization()))
    draft.as_first_version()
    with open_container(io.BytesIO(draft.build()), "a") as found:
        assert found.version == FIRST_VERSION
        assert found.metadata(0)["array"]["shape"] == [19, 10]


@OPENED
@pytest.mark.parametrize("failing", [False, True])
def test_it_is_closed_at_the_end_of_its_block_come_what_may(open_file, failing):
    file = io.BytesIO(RAW)
    try:
        with open_file(file, "a") as found:
            assert not file.closed
            if failing:
                raise RuntimeError
    except RuntimeError:
        assert failing
    assert file.closed
    with pytest.raises(ValueError, match="closed"):
        list(found.factorization(0).left.chunks)


def test_metadata_of_one_matrix_are_counted_once_however_often_they_are_read(monkeypatch):
    raw = written(*[factorization()] * 3)
    one = stated_size(Draft(raw)["META"].payload)
    monkeypatch.setattr(metadata_budget, "MOST_TOGETHER", 2 * one + one // 2)
    monkeypatch.setattr(metadata_budget, "MOST_PER_BYTE", 0)
    with open_container(io.BytesIO(raw), "a") as found:
        for i in (0, 1, 0, 1):
            found.metadata(i)
        with pytest.raises(CorruptSectionError, match="all matrices"):
            found.metadata(2)
