"""`verify`: everything wrong is found, all of it, and every bit of a file counts."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from lplr_samples import WHOLE_FILE, Draft, DraftSection, factorization, with_basis, written
from test_golden import GOLDEN

from lplrcli.container.byte_layout import FIRST_MINOR
from lplrcli.container.reader import open_container
from lplrcli.errors import (
    ContainerError,
    CorruptSectionError,
    MemoryLimitError,
    NotLplrError,
    UnknownSectionError,
    UnsupportedVersionError,
)
from lplrcli.pipeline.decode.reconstruction import Reconstruction
from lplrcli.pipeline.integrity.verify import verify
from lplrcli.runtime.workspace import limited_memory

SMALL = written(factorization((3, 2), (2,)))
TWO = written(
    factorization((19, 5), (1,) * 4, "factors+residual", "trellis", means=("row", "column")),
    factorization((9, 4), quantizer="normal"),
)
BASES = written(with_basis())


def checked(raw, threads=1):
    return verify(io.BytesIO(raw), "x.lplr", threads)


def decode_all(raw):
    """What decompressing a whole matrix reads of a file: as the command does it."""
    with open_container(io.BytesIO(raw), "x.lplr") as container:
        for _ in Reconstruction(container.factorization(container.count - 1)).blocks():
            pass
        container.check_unread()


def with_ancillary():
    """A file with sections that no reader knows, of the file and of a matrix."""
    draft = Draft(SMALL)
    draft.sections.insert(0, DraftSection(b"nOTE", WHOLE_FILE, payload=b"?"))
    draft.sections.append(DraftSection(b"xTRA", 0, payload=bytes(3)))
    return draft.build()


@pytest.mark.parametrize("raw", [SMALL, TWO, BASES, with_ancillary()])
@pytest.mark.parametrize("threads", [1, 3])
def test_whole_files(raw, threads):
    found = checked(raw, threads)
    with open_container(io.BytesIO(raw), "x") as container:
        chunks = [s for s in container.sections if s.tag in "LBAS RBAS LEFT RGHT RESD MROW MCOL"]
        assert (found.matrices, found.sections) == (container.count, len(container.sections))
    assert found.ok and found.damage == ()
    assert (found.file_bytes, found.format_version) == (len(raw), "{}.{}".format(*FIRST_MINOR))
    assert found.chunks == len(chunks) > 1


@pytest.mark.parametrize("path", GOLDEN[::9], ids=lambda path: path.stem)
def test_golden_files_are_whole(path):
    assert checked(Path(path).read_bytes()).ok


def test_every_bit_of_a_small_file_counts():
    assert len(SMALL) < 700
    for bit in range(8 * len(SMALL)):
        raw = bytearray(SMALL)
        raw[bit // 8] ^= 1 << bit % 8
        assert not checked(raw).ok, bit
        with pytest.raises(ContainerError):
            decode_all(raw)


@pytest.mark.parametrize("raw", [TWO, BASES, with_ancillary()], ids=["two", "bases", "ancillary"])
def test_bytes_all_over_count_whatever_the_file_holds(raw):
    for at in range(0, len(raw), 5 if len(raw) < 900 else 29):
        spoilt = bytearray(raw)
        spoilt[at] ^= 1 << at % 8
        assert not checked(spoilt).ok, at
        with pytest.raises(ContainerError):
            decode_all(spoilt)


def damaged(raw, *places):
    """Flip a bit in the payloads of some sections; give back file and sections."""
    spoilt = bytearray(raw)
    sections = []
    with open_container(io.BytesIO(raw), "x") as container:
        for tag, matrix, ordinal in places:
            (section,) = (
                s
                for s in container.sections
                if (s.tag, s.matrix, s.ordinal) == (tag, matrix, ordinal)
            )
            spoilt[section.offset] ^= 4
            sections.append(section)
    return bytes(spoilt), sections


@pytest.mark.parametrize("threads", [1, 3])
def test_all_damage_is_listed_in_file_order(threads):
    places = [("LEFT", 0, 0), ("LEFT", 0, 2), ("MCOL", 0, 1), ("META", 1, 0), ("RGHT", 1, 0)]
    raw, sections = damaged(TWO, *places)
    found = checked(raw, threads)
    assert [(e.section, e.offset) for e in found.damage] == [(s.tag, s.offset) for s in sections]
    for error, section in zip(found.damage, sections, strict=True):
        assert error.path == "x.lplr" and error.expected == section.checksum != error.found
    assert not found.ok and found.matrices == 2


def test_a_lost_matrix_hides_no_damage_of_its_chunks():
    raw, sections = damaged(TWO, ("COMP", 0, 0), ("RESD", 0, 0))
    assert [e.offset for e in checked(raw).damage] == [s.offset for s in sections]


def test_chunks_that_only_a_decoder_finds_wrong():
    draft = Draft(TWO)
    section = draft["LEFT"]
    section.payload = section.payload[:-2] + bytes([section.payload[-2] ^ 1, section.payload[-1]])
    raw = draft.build()
    (error,) = checked(raw).damage
    with open_container(io.BytesIO(raw), "x") as container:
        (left, *_) = (s for s in container.sections if s.tag == "LEFT")
    assert (error.path, error.section, error.offset) == ("x.lplr", "LEFT", left.offset)
    assert "decode to its end" in str(error)
    with pytest.raises(CorruptSectionError, match=r"section LEFT.*decode to its end") as caught:
        decode_all(_first_only(raw))
    assert caught.value.path == "x.lplr"


def _first_only(raw):
    """The file with its first matrix alone."""
    draft = Draft(raw)
    draft.sections = [section for section in draft.sections if section.matrix == 0]
    return draft.build()


def test_what_a_truncated_file_lacks_is_listed():
    with open_container(io.BytesIO(TWO), "x") as container:
        (second,) = (s for s in container.sections if (s.tag, s.ordinal) == ("LEFT", 2))
    found = checked(TWO[: second.offset + 2])
    first, cut, *others = found.damage
    assert "truncated" in str(first) and first.section == "LEND"
    assert (cut.section, cut.offset) == ("LEFT", second.offset)
    assert "ends within" in str(cut)
    assert {error.section for error in others} == {"RGHT", "RESD", "MROW", "MCOL"}
    assert all("missing" in str(error) and error.path == "x.lplr" for error in others)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda raw: b"\x93NUMPY" + raw, NotLplrError),
        (lambda raw: b"", NotLplrError),
        (lambda raw: b"\x89LPLR\r\x1a\n", CorruptSectionError),
        (lambda raw: _edited(raw, major=7), UnsupportedVersionError),
        (lambda raw: _with_section(raw, b"NEWS"), UnknownSectionError),
    ],
)
def test_files_of_which_nothing_more_can_be_said(change, kind):
    found = checked(change(SMALL))
    (error,) = found.damage
    assert type(error) is kind
    assert found.format_version is None and found.chunks == 0


def _edited(raw, **fields):
    draft = Draft(raw)
    for name, value in fields.items():
        setattr(draft, name, value)
    return draft.build()


def _with_section(raw, tag):
    draft = Draft(raw)
    draft.sections.append(DraftSection(tag, 0))
    return draft.build()


def test_a_chunk_too_large_for_memory_is_refused_before_it_is_decoded():
    with limited_memory(10**6), pytest.raises(MemoryLimitError, match="-M"):
        checked(SMALL)


def test_progress_counts_sections():
    seen = []
    verify(io.BytesIO(TWO), "x", 2, lambda done, total: seen.append((done, total)))
    assert seen == [(i + 1, len(seen)) for i in range(len(seen))]
    assert len(seen) == checked(TWO).sections - 2
