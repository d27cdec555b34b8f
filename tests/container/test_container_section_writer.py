"""Sections one after another: where each lies, and the index that lists them."""

from __future__ import annotations

import io
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.container import metadata_budget
from lplrcli.container.section_table import parse_index
from lplrcli.container.section_writer import SectionWriter
from lplrcli.errors import CorruptSectionError


def written(payloads):
    stream = io.BytesIO()
    sections = SectionWriter(stream)
    for i, payload in enumerate(payloads):
        sections.write(sections.next_section("nOTE", 0xFFFFFFFF, i, payload), payload)
    size = sections.finish()
    assert size == len(stream.getvalue())
    return stream.getvalue()


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_payloads_lie_one_after_another_at_multiples_of_64(payloads):
    raw = written(payloads)
    at, entries = 32, b""
    for i, payload in enumerate([*payloads, None, None]):
        start = -(-(at + 32) // 64) * 64
        assert not any(raw[at : start - 32])
        if payload is None:
            payload = entries if i == len(payloads) else raw[start:]
        assert raw[start : start + len(payload)] == payload
        header = raw[start - 32 : start]
        assert int.from_bytes(header[16:24], "little") == len(payload)
        assert int.from_bytes(header[24:28], "little") == zlib.crc32(payload)
        number, size = start.to_bytes(8, "little"), len(payload).to_bytes(8, "little")
        entries += header[:4] + header[8:16] + header[24:28] + number + size
        at = start + len(payload)
    assert at == len(raw)


def test_a_stream_may_take_a_part_of_what_it_is_given():
    class Slow(io.RawIOBase):
        def __init__(self):
            self.taken = b""

        def write(self, data):
            self.taken += bytes(data[:5])
            return min(len(data), 5)

    stream = Slow()
    sections = SectionWriter(stream)
    sections.write(sections.next_section("nOTE", 0xFFFFFFFF, 0, b"payload"), b"payload")
    sections.finish()
    assert stream.taken == written([b"payload"])


def test_more_metadata_than_a_reader_takes_is_refused_before_the_index(monkeypatch):
    monkeypatch.setattr(metadata_budget, "MOST_TOGETHER", 1000)
    frame = zstandard.ZstdCompressor().compress(bytes(600))
    stream = io.BytesIO()
    sections = SectionWriter(stream)
    for i in range(2):
        sections.write(sections.next_section("META", i, 0, frame), frame)
    monkeypatch.setattr(metadata_budget, "MOST_PER_BYTE", 0)
    before = stream.getvalue()
    with pytest.raises(CorruptSectionError, match="all matrices inflates too far"):
        sections.finish()
    assert stream.getvalue() == before


def test_an_index_is_parsed_as_it_was_written():
    raw = written([])
    with pytest.raises(CorruptSectionError, match="no matrix"):
        parse_index(b"", SectionWriter(io.BytesIO()).next_section("INDX", 0xFFFFFFFF, 0, b""))
    assert raw[:8] == b"\x89LPLR\r\x1a\n"
