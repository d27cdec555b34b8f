"""Bytes by position, and payloads with every check, of files that are whole, cut or damaged."""

from __future__ import annotations

import io
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.container import section_reader
from lplrcli.container.byte_layout import Section
from lplrcli.container.section_reader import SectionReader
from lplrcli.errors import ContainerError, CorruptSectionError, InputError

CONTENT = bytes(range(256)) * 5
PREVIOUS, PAYLOAD = 40, b"what the section holds" * 9
SECTION = Section("LEFT", 1, 2, zlib.crc32(PAYLOAD), 128, len(PAYLOAD))
RAW = bytes(range(1, PREVIOUS + 1)) + bytes(56) + SECTION.pack_header() + PAYLOAD + b"after"


def reader(raw):
    return SectionReader(io.BytesIO(raw), "a.lplr")


@pytest.fixture(params=["plain", "unbuffered", "memory"])
def content(request, tmp_path):
    path = tmp_path / "a"
    path.write_bytes(CONTENT)
    if request.param == "memory":
        return SectionReader(io.BytesIO(CONTENT), "a")
    return SectionReader(path.open("rb", buffering=-1 if request.param == "plain" else 0), "a")


def test_bytes_are_those_of_a_slice(content):
    assert content.file_bytes == len(CONTENT)
    for offset, length in ((0, 5), (700, 64), (0, len(CONTENT)), (1270, 99), (5000, 3), (9, 0)):
        assert content.read(offset, length) == CONTENT[offset : offset + length]
    content.close()
    with pytest.raises(ValueError, match="closed"):
        content.read(0, 1)


def test_a_system_that_does_not_give_them_is_no_damage():
    class Broken(io.BytesIO):
        def read(self, size=-1):
            raise OSError(5, "Input/output error")

    with pytest.raises(InputError, match="bytes from 7 on cannot be read: Input/output error"):
        SectionReader(Broken(CONTENT), "a").read(7, 3)


def test_a_whole_payload_is_read_or_checked_without_being_held(monkeypatch):
    whole = reader(RAW)
    assert whole.payload(SECTION, PREVIOUS) == PAYLOAD
    assert whole.sound == {SECTION.offset}
    other = reader(RAW)
    monkeypatch.setattr(section_reader, "_READ_AT_ONCE", 7)
    other.check(SECTION, PREVIOUS)
    assert other.sound == {SECTION.offset}
    assert other.checksum(SECTION) == (len(PAYLOAD), zlib.crc32(PAYLOAD))


@given(st.integers(PREVIOUS, len(RAW) - 6), st.integers(1, 255))
def test_any_damaged_byte_from_the_padding_on_is_found(at, change):
    spoilt = bytearray(RAW)
    spoilt[at] ^= change
    for use in (SectionReader.payload, SectionReader.check):
        damaged = reader(bytes(spoilt))
        with pytest.raises(CorruptSectionError) as caught:
            use(damaged, SECTION, PREVIOUS)
        assert caught.value.section == "LEFT"
        assert not damaged.sound


@pytest.mark.parametrize("field", ["matrix", "ordinal", "length", "checksum"])
def test_a_header_that_the_index_contradicts_is_refused(field):
    fields = dict.fromkeys(("tag", "matrix", "ordinal", "checksum", "offset", "length"))
    entry = {name: getattr(SECTION, name) for name in fields}
    entry[field] += 1
    with pytest.raises(CorruptSectionError, match=f"{field} of section header and index differ"):
        reader(RAW).payload(Section(**entry), PREVIOUS)


def test_memory_is_not_taken_for_what_is_not_there():
    long = Section("LEFT", 0, 0, 0, 128, 2**50)
    with pytest.raises(CorruptSectionError, match="ends within the section") as caught:
        reader(RAW).content(long)
    assert caught.value.found == f"{len(RAW) - 128} bytes"
    assert reader(RAW).checksum(long) == (len(RAW) - 128, zlib.crc32(RAW[128:]))


def test_names_are_added_to_what_lower_layers_found():
    whole = reader(RAW)
    with pytest.raises(ContainerError) as caught, whole.naming(SECTION):
        raise CorruptSectionError("wrong")
    error = caught.value
    assert (error.path, error.section, error.offset) == ("a.lplr", "LEFT", 128)
    with pytest.raises(ContainerError) as caught, whole.naming(SECTION):
        raise CorruptSectionError("wrong", section="META", offset=3, path="b")
    error = caught.value
    assert (error.path, error.section, error.offset) == ("b", "META", 3)
