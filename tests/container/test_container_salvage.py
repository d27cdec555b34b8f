"""Sections found without an index: all that are there, and none that is not."""

from __future__ import annotations

import io

import pytest
from lplr_samples import WHOLE_FILE, Draft, DraftSection, factorization, written

from lplrcli.container import section_search
from lplrcli.container.reader import open_container
from lplrcli.container.salvage import salvage_container
from lplrcli.container.section_reader import SectionReader
from lplrcli.container.section_search import surviving_sections
from lplrcli.errors import CorruptSectionError, UnknownSectionError

RAW = written(factorization((40, 10), (3, 1)), factorization(mode="direct"))


def sections_of(raw):
    with open_container(io.BytesIO(raw), "x") as container:
        return container.sections


def survivors(raw):
    return surviving_sections(SectionReader(io.BytesIO(raw), "x"))


def without_index(raw):
    """The file up to its index."""
    return raw[: next(s for s in sections_of(raw) if s.tag == "INDX").header_offset]


@pytest.mark.parametrize("block", [64, 128, 1 << 20])
def test_all_sections_are_found_by_their_headers(monkeypatch, block):
    monkeypatch.setattr(section_search, "_FIRST_BLOCK", min(block, 1 << 12))
    monkeypatch.setattr(section_search, "_BLOCK", block)
    cut = without_index(RAW)
    assert survivors(cut) == sections_of(RAW)[:-2]
    spoilt = bytearray(cut)
    lost = sections_of(RAW)[3]
    spoilt[lost.header_offset + 5] = 1
    assert survivors(bytes(spoilt)) == (*sections_of(RAW)[:3], *sections_of(RAW)[4:-2])


def test_what_is_near_is_found_without_reading_far(monkeypatch):
    raw = without_index(written(*[factorization((8, 8), (1,))] * 100))
    read = SectionReader.read
    lengths = []

    def counting(self, offset, length):
        found = read(self, offset, length)
        lengths.append(len(found))
        return found

    monkeypatch.setattr(SectionReader, "read", counting)
    assert len(survivors(raw)) == 400
    # All that follows every section would be eight times as much.
    assert sum(lengths) < 400 * 6000


def test_a_whole_index_tells_of_sections_without_headers():
    spoilt = bytearray(RAW + b"more")
    for section in sections_of(RAW)[:-2]:
        spoilt[section.header_offset : section.offset] = bytes(32)
    assert survivors(bytes(spoilt)) == sections_of(RAW)[:-2]


def test_an_index_of_another_file_is_not_believed():
    spoilt = bytearray(RAW[:64]) + bytes(64) + RAW[64:]
    (*kept, _) = sections_of(RAW)[:-2]
    found = survivors(bytes(spoilt))
    assert len(found) >= len(kept) and {s.tag for s in found} >= {"COMP", "LEFT", "RGHT", "RESD"}
    shifted = {(s.tag, s.matrix, s.ordinal): s.offset for s in found}
    assert all(shifted[s.tag, s.matrix, s.ordinal] == s.offset + 64 for s in kept[1:])


def test_a_file_within_a_section_is_not_mistaken_for_this_one():
    inner = written(factorization((9, 4), (2,)))
    draft = Draft(RAW)
    draft.sections.insert(0, DraftSection(b"fILE", WHOLE_FILE, payload=inner))
    raw = draft.build()
    assert survivors(without_index(raw)) == sections_of(raw)[:-2]
    # Nor where the section after it is lost: its own header tells where it ends.
    spoilt = bytearray(without_index(raw))
    spoilt[sections_of(raw)[1].header_offset] ^= 1
    expected = (sections_of(raw)[0], *sections_of(raw)[2:-2])
    assert survivors(bytes(spoilt)) == expected


def test_of_two_with_one_name_the_whole_one_counts():
    cut = without_index(RAW)
    second = sections_of(RAW)[2]
    copy = cut[second.header_offset : second.end]
    spoilt = bytearray(cut)
    spoilt[second.offset] ^= 1
    gap = -(len(cut) + 32) % 64
    found = survivors(bytes(spoilt) + bytes(gap) + copy)
    (survivor,) = (s for s in found if (s.tag, s.matrix, s.ordinal) == ("LEFT", 0, 0))
    assert survivor.offset == len(cut) + gap + 32


def test_lengths_beyond_any_file_are_no_danger():
    cut = without_index(RAW)
    last = DraftSection(b"RESD", 1, 99, length=2**64 - 1)
    found = survivors(cut + bytes(-(len(cut) + 32) % 64) + last.header())
    assert found[-1].length == 2**64 - 1
    end = sections_of(RAW)[-3].end
    with salvage_container(io.BytesIO(cut[: end - 1]), "x") as salvage:
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
