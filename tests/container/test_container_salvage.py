"""Matrices of a file without an index: what is there is read, what is missing is told."""

from __future__ import annotations

import io

import pytest
from lplr_samples import Draft, DraftSection, factorization, written

from lplrcli.container.reader import open_container
from lplrcli.container.salvage import salvage_container
from lplrcli.errors import CorruptSectionError, UnknownSectionError

RAW = written(factorization((40, 10), (3, 1)), factorization(mode="direct"))


def sections_of(raw):
    with open_container(io.BytesIO(raw), "x") as container:
        return container.sections


def without_index(raw):
    """The file up to its index."""
    return raw[: next(s for s in sections_of(raw) if s.tag == "INDX").header_offset]


def test_a_chunk_that_the_file_ends_within_is_refused_when_it_is_read():
    cut = without_index(RAW)[: sections_of(RAW)[-3].end - 1]
    with salvage_container(io.BytesIO(cut), "x") as salvage:
        chunks = salvage.factorization(1).residual.chunks
        with pytest.raises(CorruptSectionError, match="ends within the section"):
            list(chunks)


def test_what_is_missing_of_a_matrix_is_told_in_runs():
    whole = sections_of(RAW)
    lost = [s for s in whole if s.tag == "LEFT" and s.ordinal in (1, 2, 4)]
    spoilt = bytearray(without_index(RAW))
    for section in lost:
        spoilt[section.header_offset] ^= 1
    with salvage_container(io.BytesIO(bytes(spoilt)), "x") as salvage:
        chunks = salvage.factorization().left.chunks
        assert chunks.present == [0, 3]
        assert chunks.missing == [range(1, 3), range(4, 5)]
        assert len(chunks) == 5 and len(chunks.lengths) == 2
        with pytest.raises(CorruptSectionError, match="chunk 2 is missing"):
            chunks[2]
        assert salvage.matrices == (0, 1) and salvage.count == 2
        assert "truncated" in str(salvage.damage[0])


def test_a_file_of_a_newer_program_is_not_damaged():
    draft = Draft(RAW)
    draft.sections.append(DraftSection(b"NEWS", 1))
    for tail in (b"", b"trailing"):
        with pytest.raises(UnknownSectionError, match="NEWS"):
            salvage_container(io.BytesIO(draft.build() + tail), "x")
