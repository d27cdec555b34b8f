"""The index: found from the end of a file, its entries in places and in an order that fit."""

from __future__ import annotations

import dataclasses
import struct

import pytest
from lplr_samples import WHOLE_FILE, Draft, DraftSection, factorization, written

from lplrcli.container.section_table import check_padding, read_sections
from lplrcli.errors import CorruptSectionError, UnknownSectionError

RAW = written(
    factorization((19, 10), mode="factors+residual"), factorization((9, 4), mode="direct")
)


def table(raw):
    return read_sections(lambda offset, length: raw[offset : offset + length], len(raw))


def layout_by_hand(raw):
    """Tag, matrix, ordinal, offset and length of every section, walking from header to header."""
    at, found = 32, []
    while at < len(raw):
        at = -(-(at + 32) // 64) * 64
        tag, _, matrix, ordinal, length = struct.unpack_from("<4sIIIQ", raw, at - 32)
        found.append((tag.decode(), matrix, ordinal, at, length))
        at += length
    return found


def test_the_index_lists_what_headers_say():
    assert [(s.tag, s.matrix, s.ordinal, s.offset, s.length) for s in table(RAW)] == (
        layout_by_hand(RAW)
    )


def test_only_the_index_and_the_end_are_read():
    read = []

    def reading(offset, length):
        read.append(range(offset, offset + length))
        return RAW[offset : offset + length]

    sections = read_sections(reading, len(RAW))
    payloads = {at for s in sections[:-2] for at in range(s.offset, s.end)}
    assert not any(payloads & set(part) for part in read)


def spoilt(change):
    draft = Draft(RAW)
    change(draft)
    return draft.build()


def tags(draft):
    return [section.tag.decode() for section in draft.sections]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.sections.insert(0, d.sections.pop(1)), "tag: out of order at the start"),
        (lambda d: d.sections.insert(1, DraftSection(b"META")), "tag: out of order after META"),
        (lambda d: d.sections.pop(1), "tag: out of order after META"),
        (lambda d: d.sections.insert(3, d.sections.pop(tags(d).index("RGHT"))), "out of order"),
        (lambda d: setattr(d["LEFT"], "ordinal", 1), "ordinal"),
        (lambda d: [setattr(s, "matrix", s.matrix + 1) for s in d.sections], "matrix"),
        (lambda d: d["LEFT"].entry.update(offset=64), "payload offset of LEFT 0.0"),
        (lambda d: d["LEFT"].entry.update(length=2**63), "length of LEFT 0.0"),
        (lambda d: d.sections.append(DraftSection(b"nOTE", 2)), "matrix"),
        (lambda d: d.sections.append(DraftSection(b"nOTE", 0, 1)), "ordinal"),
        (lambda d: d.sections.clear(), "no matrix"),
        (lambda d: [d.sections.pop() for _ in d.sections[1:]], "no COMP for matrix 0"),
        (lambda d: setattr(d.index, "matrix", 0), "matrix"),
        (lambda d: setattr(d.last, "ordinal", 1), "ordinal"),
        (lambda d: d.end.update({"section count": 3}), "index offset or section count"),
        (lambda d: d.end.update({"index offset": 2**63}), "index offset or section count"),
    ],
)
def test_an_order_that_no_file_has_is_refused(change, words):
    with pytest.raises(CorruptSectionError, match=words) as caught:
        table(spoilt(change))
    assert caught.value.section is not None
    assert caught.value.offset is not None


def test_sections_that_belong_to_the_file_may_stand_anywhere():
    raw = spoilt(lambda d: d.sections.insert(0, DraftSection(b"nOTE", WHOLE_FILE, payload=b"x")))
    assert [section.tag for section in table(raw)][:2] == ["nOTE", "META"]
    assert len(table(raw)) == len(table(RAW)) + 1


def test_a_critical_section_that_is_unknown_is_refused_by_its_tag():
    with pytest.raises(UnknownSectionError, match="NEWS") as caught:
        table(spoilt(lambda d: d.sections.append(DraftSection(b"NEWS", 1))))
    assert caught.value.found == "NEWS"


def test_padding_is_zero_and_the_first_byte_that_is_not_is_named():
    section = table(RAW)[1]
    check_padding(section, bytes(9))
    with pytest.raises(CorruptSectionError, match="padding") as caught:
        check_padding(section, b"\0\0\7\0\1")
    assert (caught.value.offset, caught.value.found) == (section.header_offset - 3, 7)
    assert dataclasses.replace(section, length=0).end == section.offset
