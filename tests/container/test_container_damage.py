"""Whatever the bytes are, nothing but a `ContainerError` comes out, and damage is never missed."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lplr_samples import Draft, factorization, read_all, with_basis, written

from lplrcli.container.byte_layout import SIGNATURE, parse_section_header
from lplrcli.container.reader import open_container
from lplrcli.container.section_table import check_payload, parse_index
from lplrcli.errors import ContainerError, CorruptSectionError, NotLplrError

RAW = written(factorization(mode="factors+residual"))
TWO = written(factorization((9, 4), quantizer="normal"), factorization((5, 3), mode="direct"))
ENTROPY = written(factorization((9, 5), (1,) * 4, "factors+residual", "trellis"))
BASES = written(with_basis())
MEANS = written(
    factorization((9, 5), (1,) * 4, "factors+residual", "trellis", means=("row", "column"))
)
SMALL = written(factorization((3, 2), (2,)))


@pytest.mark.parametrize("raw", [SMALL, TWO], ids=["one", "two"])
def test_a_file_cut_anywhere_is_refused(raw):
    for length in range(len(raw)):
        expected = NotLplrError if length < len(SIGNATURE) else CorruptSectionError
        with pytest.raises(expected) as caught:
            read_all(raw[:length])
        assert type(caught.value) is expected
        assert None not in (caught.value.found, caught.value.expected)
        assert 0 <= caught.value.offset <= length


def test_a_file_cut_at_a_section_boundary_says_it_is_truncated():
    for section in open_container(io.BytesIO(RAW), "x").sections:
        for length in {section.header_offset, section.offset, section.end} - {len(RAW)}:
            with pytest.raises(CorruptSectionError, match="truncated") as caught:
                read_all(RAW[:length])
            assert caught.value.section == "LEND"


@pytest.mark.parametrize("extra", [b"\0", b"\n", bytes(64), bytes(48), RAW])
def test_trailing_bytes_are_refused(extra):
    with pytest.raises(CorruptSectionError):
        read_all(RAW + extra)


def test_leading_bytes_are_refused():
    with pytest.raises(NotLplrError):
        read_all(bytes(64) + RAW)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (b"\n", b"\r\n", "text mode: LF became CR LF"),
        (b"\r", b"\n", "text mode: CR became LF"),
        (b"\r", b"\r\n", "text mode: CR became CR LF"),
        (b"\r", b"", "text mode: CR was removed"),
        (b"\x1a", b"", "text mode: . was removed"),
        (b"\x89", b"\xc2\x89", "text mode: bytes became UTF-8"),
        (b"\x89", b"\xef\xbf\xbd", "text mode"),
        (b"\x89", b"", "text mode"),
    ],
)
def test_transfers_in_text_mode_are_recognised(before, after, words):
    with pytest.raises(NotLplrError, match=words.replace(". was", ".* was")):
        read_all(RAW.replace(before, after))


def test_other_files_are_named_so():
    for raw in (
        b"",
        b"\x93NUMPY" + bytes(100),
        b"PK\3\4",
        b"\x89PNG\r\n\x1a\n",
        b"\x89HDF\r\n\x1a\n",
    ):
        with pytest.raises(NotLplrError, match=r"not an \.lplr file"):
            read_all(raw)
    with pytest.raises(NotLplrError, match="ends within the signature"):
        read_all(SIGNATURE[:6])


@pytest.mark.parametrize("raw", [SMALL, BASES], ids=["packed", "klt"])
def test_every_flipped_bit_of_a_small_file_is_found(raw):
    for at in range(len(raw)):
        spoilt = bytearray(raw)
        spoilt[at] ^= 1 << at % 8
        with pytest.raises(ContainerError):
            read_all(bytes(spoilt))


def test_a_file_that_shrinks_while_open_is_found():
    file = io.BytesIO(RAW)
    container = open_container(file, "x")
    chunks = container.factorization().residual.chunks
    file.truncate(len(RAW) // 2)
    with pytest.raises(CorruptSectionError, match=r"cut short|length"):
        list(chunks)


def test_what_ends_early_is_named():
    with pytest.raises(CorruptSectionError, match="section header is cut short") as caught:
        parse_section_header(RAW[32:63], 32, "META")
    error = caught.value
    told = error.section, error.offset, error.found, error.expected
    assert told == ("META", 32, "31 bytes", "32")
    section = parse_section_header(RAW[32:64], 32, "META")
    with pytest.raises(CorruptSectionError, match="wrong length") as caught:
        check_payload(section, b"four")
    assert (caught.value.section, caught.value.found) == ("META", "4 bytes")
    with pytest.raises(CorruptSectionError, match="wrong length") as caught:
        parse_index(bytes(33), section)
    assert (caught.value.offset, caught.value.found) == (32 + 16, 33)


def read_or_refuse(raw):
    try:
        read_all(raw)
    except ContainerError as error:
        assert str(error)


mutations = st.lists(
    st.tuples(st.integers(0, 1 << 20), st.integers(0, 6), st.binary(min_size=1, max_size=9)),
    min_size=1,
    max_size=6,
)


@settings(deadline=None)
@given(st.sampled_from([RAW, TWO, SMALL, ENTROPY, BASES, MEANS]), mutations)
def test_mutated_files(raw, changes):
    for at, removed, inserted in changes:
        at %= len(raw) + 1
        raw = raw[:at] + inserted + raw[at + removed :]
    read_or_refuse(raw)


@settings(deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=100))
def test_arbitrary_bytes(body, tail):
    for raw in (body, SIGNATURE + body, SMALL[:32] + body + SMALL[-48:], SMALL[:32] + tail):
        read_or_refuse(raw)


@settings(deadline=None)
@given(st.data())
def test_mutated_payloads_with_right_checksums(data):
    # Behind right checksums, so that the decoders themselves meet the damage.
    draft = Draft(data.draw(st.sampled_from([RAW, TWO, ENTROPY, BASES, MEANS])))
    for _ in range(data.draw(st.integers(1, 3))):
        section = data.draw(st.sampled_from(draft.sections))
        at = data.draw(st.integers(0, len(section.payload)))
        removed = data.draw(st.integers(0, 4))
        inserted = data.draw(st.binary(max_size=4))
        section.payload = section.payload[:at] + inserted + section.payload[at + removed :]
    read_or_refuse(draft.build())


@settings(deadline=None)
@given(st.data())
def test_mutated_tables(data):
    draft = Draft(ENTROPY)

    def change(content):
        at = data.draw(st.integers(0, len(content)))
        inserted = data.draw(st.binary(max_size=4))
        return content[:at] + inserted + content[at + data.draw(st.integers(0, 4)) :]

    draft.edit_table(change)
    read_or_refuse(draft.build())


numbers = st.integers(0, 2**64 - 1) | st.integers(-9, 300) | st.floats() | st.none()
strays = st.recursive(numbers | st.text(max_size=5) | st.booleans(), st.lists, max_leaves=4)


@settings(deadline=None)
@given(st.data())
def test_mutated_metadata(data):
    draft = Draft(data.draw(st.sampled_from([RAW, ENTROPY, BASES])))

    def change(document):
        while True:
            key = data.draw(st.sampled_from(sorted(document)))
            if not isinstance(document[key], dict) or data.draw(st.integers(0, 9)) == 0:
                document[key] = data.draw(strays)
                return
            document = document[key]

    draft.edit_json(change)
    read_or_refuse(draft.build())
