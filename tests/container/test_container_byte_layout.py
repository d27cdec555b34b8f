"""Records of the file, against struct and zlib; tags and versions by the rules of SPEC.md."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.container.byte_layout import (
    CRITICAL_TAGS,
    READABLE,
    VERSION,
    Section,
    aligned_payload,
    is_later,
    pack_end,
    pack_file_header,
    parse_end,
    parse_file_header,
    parse_section_header,
    read_tag,
)
from lplrcli.errors import CorruptSectionError, NotLplrError, UnsupportedVersionError

LETTERS = "ABCXYZabcxyz"
TAGS = st.builds(
    lambda first, middle, last: first + middle + last,
    st.sampled_from(LETTERS),
    st.text("ABCXYZ", min_size=2, max_size=2),
    st.sampled_from(LETTERS),
).filter(lambda tag: tag.isupper() or tag[0].islower())
NUMBERS, LONG = st.integers(0, 2**32 - 1), st.integers(0, 2**62)


def checksummed(body):
    return body + struct.pack("<I", zlib.crc32(body))


def header(major, minor, flags=0, reserved=bytes(12)):
    signature = b"\x89LPLR\r\x1a\n"
    return checksummed(struct.pack("<8sHHI12s", signature, major, minor, flags, reserved))


def test_the_file_header_is_that_of_the_specification():
    assert pack_file_header() == header(1, 0)
    assert pack_file_header(VERSION) == header(*VERSION)
    for version in (*READABLE, (1, 2), (1, 65535)):
        assert parse_file_header(header(*version)) == version
        assert is_later(version) == (version > VERSION)


@pytest.mark.parametrize("version", [(0, 0), (0, 3), (2, 0), (65535, 65535)])
def test_other_versions_are_not_supported(version):
    with pytest.raises(UnsupportedVersionError, match=r"version") as caught:
        parse_file_header(header(*version))
    assert caught.value.found == f"{version[0]}.{version[1]}"
    assert not is_later(version)


@pytest.mark.parametrize(
    ("raw", "error", "words"),
    [
        (b"", NotLplrError, "wrong signature"),
        (b"\x89LPL", NotLplrError, "ends within the signature"),
        (b"\x89LPLR\n\x1a\n" + bytes(24), NotLplrError, "CR became LF"),
        (header(1, 0)[:31], CorruptSectionError, "cut short"),
        (header(1, 0, flags=1), CorruptSectionError, "flags"),
        (header(1, 0, reserved=b"\1" + bytes(11)), CorruptSectionError, "reserved"),
        (header(1, 0)[:-1] + b"\0", CorruptSectionError, "checksum"),
    ],
)
def test_a_wrong_file_header_is_refused_by_its_field(raw, error, words):
    with pytest.raises(error, match=words):
        parse_file_header(raw)


@given(TAGS, NUMBERS, NUMBERS, NUMBERS, LONG, LONG)
def test_a_section_is_packed_as_struct_packs_it_and_parsed_again(tag, matrix, ordinal, crc, at, n):
    section = Section(tag, matrix, ordinal, crc, at + 32, n)
    raw = checksummed(struct.pack("<4sIIIQI", tag.encode(), 0, matrix, ordinal, n, crc))
    assert section.pack_header() == raw
    assert section.pack_entry() == struct.pack(
        "<4sIIIQQ", tag.encode(), matrix, ordinal, crc, at + 32, n
    )
    assert parse_section_header(raw, at, "META") == section
    assert (section.header_offset, section.end) == (at, at + 32 + n)
    assert section.critical == tag[0].isupper()
    assert section.safe_to_copy == tag[3].islower()


@given(st.integers(0, 30), st.integers(1, 255))
def test_any_damaged_byte_of_a_section_header_is_found(at, change):
    raw = bytearray(Section("LEFT", 3, 5, 7, 96, 11).pack_header())
    raw[at] ^= change
    with pytest.raises(CorruptSectionError, match="header checksum") as caught:
        parse_section_header(bytes(raw), 64, "LEFT")
    assert (caught.value.section, caught.value.offset) == ("LEFT", 64 + 28)


def test_flags_of_a_section_are_reserved():
    raw = checksummed(struct.pack("<4sIIIQI", b"LEFT", 4, 0, 0, 0, 0))
    with pytest.raises(CorruptSectionError, match="flags") as caught:
        parse_section_header(raw, 64, "LEFT")
    assert caught.value.offset == 68


@given(st.binary(min_size=4, max_size=4) | st.text(LETTERS, min_size=4, max_size=4).map(str.encode))
def test_tags_are_letters_in_the_cases_that_say_something(raw):
    text = raw.decode("latin-1")
    sound = (
        all(letter.isascii() and letter.isalpha() for letter in text)
        and text[1:3].isupper()
        and (text[0].islower() or text[3].isupper())
    )
    if sound:
        assert read_tag(raw, 0) == text
    else:
        with pytest.raises(CorruptSectionError, match="tag"):
            read_tag(raw, 0)


def test_every_tag_that_is_written_is_a_tag_and_critical():
    for tag in CRITICAL_TAGS:
        assert read_tag(tag.encode(), 0) == tag
        assert Section(tag, 0, 0, 0, 96, 0).critical


@given(st.integers(0, 2**40))
def test_payloads_are_aligned_with_room_for_a_header_and_no_more(end):
    at = aligned_payload(end)
    assert at % 64 == 0
    assert end + 32 <= at < end + 32 + 64


@given(LONG, NUMBERS)
def test_the_end_says_where_the_index_is(offset, count):
    raw = pack_end(offset, count)
    assert raw == checksummed(struct.pack("<QI", offset, count))
    assert parse_end(raw, 0) == (offset, count)
    with pytest.raises(CorruptSectionError, match="end checksum"):
        parse_end(raw[:-1] + bytes([raw[-1] ^ 1]), 0)
