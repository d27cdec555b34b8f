"""Chunks of a matrix that do not decode: every one is found, and no other."""

from __future__ import annotations

import io

import pytest
from lplr_samples import Draft, factorization, written

from lplrcli.container.reader import open_container
from lplrcli.container.salvage import salvage_container
from lplrcli.errors import ContainerError, CorruptSectionError
from lplrcli.pipeline.integrity.lost_chunks import fault_of, lost_chunks

RAW = written(factorization((45, 13), (1,) * 4, "factors+residual", "trellis", means=("row",)))


def lost(raw, threads=1, observe=None):
    with salvage_container(io.BytesIO(raw), "x.lplr") as salvage:
        return lost_chunks(salvage.factorization(0), threads, observe)


def sections(*tags):
    with open_container(io.BytesIO(RAW), "x") as container:
        return [one for one in container.sections if one.tag in tags]


def damaged(*places):
    raw = bytearray(RAW)
    for section in places:
        raw[section.offset] ^= 0xFF
    return bytes(raw)


def without(*places):
    draft = Draft(RAW)
    gone = {(one.tag, one.ordinal) for one in places}
    draft.sections = [one for one in draft.sections if (_text(one.tag), one.ordinal) not in gone]
    return draft.build()


def _text(tag):
    return tag.decode() if isinstance(tag, bytes) else tag


def told(found):
    return [(one.section, list(one.numbers)) for one in found]


def test_a_whole_file_has_lost_none():
    assert lost(RAW) == []


@pytest.mark.parametrize("threads", [1, 3])
def test_each_damaged_chunk_is_found(threads):
    chunks = sections("LEFT", "RGHT", "RESD", "MROW")
    for section in chunks:
        (found,) = lost(damaged(section), threads)
        assert (found.section, list(found.numbers)) == (section.tag, [section.ordinal])
        assert isinstance(found.error, ContainerError)
        assert section.tag in str(found.error)


def test_they_are_listed_by_factor_and_number():
    left, residual = sections("LEFT"), sections("RESD")
    found = lost(damaged(residual[0], left[3], left[1]))
    assert told(found) == [("LEFT", [1]), ("LEFT", [3]), ("RESD", [0])]


def test_missing_chunks_side_by_side_are_one_loss():
    left = sections("LEFT")
    found = lost(without(left[1], left[2], left[4]))
    assert told(found) == [("LEFT", [1, 2]), ("LEFT", [4])]
    assert "chunks 1 to 2 are missing" in str(found[0].error)
    assert "chunk 4 is missing" in str(found[1].error)


def test_progress_counts_what_is_there():
    seen = []
    lost(RAW, observe=lambda done, total: seen.append((done, total)))
    count = len(sections("LEFT", "RGHT", "RESD", "MROW"))
    assert seen == [(i + 1, count) for i in range(count)]


def test_a_file_that_is_read_as_usual_is_no_salvage():
    with (
        open_container(io.BytesIO(RAW), "x") as container,
        pytest.raises(TypeError, match="salvaged"),
    ):
        lost_chunks(container.factorization(0), 1)


def test_only_damage_is_a_fault():
    def raising(error):
        def check():
            raise error

        return check

    error = CorruptSectionError("no", section="LEFT")
    assert fault_of(raising(error)) is error
    assert fault_of(lambda: None) is None
    with pytest.raises(ValueError, match="other"):
        fault_of(raising(ValueError("other")))
