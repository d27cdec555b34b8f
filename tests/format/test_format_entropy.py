"""Coding ``rans`` in a file: every field of its tables, its frames, and what comes back."""

from __future__ import annotations

import dataclasses
import re

import entropy_cases
import naive
import numpy as np
import pytest
import zstandard
from entropy_cases import BASE, CASES, content, put, sound
from lplr_samples import Draft, factorization, read_all, written
from rans_samples import rans_factor, side_for

from lplrcli.container import entropy_tables
from lplrcli.container.section_reader import SectionReader
from lplrcli.container.writer import container_size
from lplrcli.errors import CorruptSectionError
from lplrcli.runtime.format_files import format_folder

FLAT = [(key, i, *case) for key, cases in CASES.items() for i, case in enumerate(cases)]
SPEC = (format_folder() / "SPEC.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "words", "base"),
    [pytest.param(*case, id=f"{k[0]}-{k[1]}-{i}") for k, i, *case in FLAT],
)
def test_a_broken_field_is_refused_by_name(change, words, base):
    draft = Draft(written(BASE[base]))
    read_all(draft.build())  # sound before the change
    change(draft)
    with pytest.raises(CorruptSectionError, match=words) as caught:
        read_all(draft.build())
    assert caught.value.path == "sample.lplr"
    for name in ("offset", "found", "expected"):
        assert getattr(caught.value, name) is not None, name
    assert caught.value.section in ("COMP", "LEFT", "RESD")
    assert str(caught.value).count("\n") <= 1


def test_the_tables_that_are_broken_are_sound():
    draft = Draft(written(BASE["trellis"]))
    draft.edit_table(lambda _: content())
    (found,) = read_all(draft.build())
    assert found.left.coding_parameters + found.left.quantizer_parameters == content()
    for step, indices in (
        (2.0**-100, [8191, 0, 0]),
        (2.0**62, [-8176, 0, 1]),
        (1, [7680, -7680, 0]),
    ):
        put(content(side_for(3, step, indices)))(draft)
        read_all(draft.build())


compress = zstandard.ZstdCompressor().compress
UNSIZED = zstandard.ZstdCompressor(write_content_size=False).compress
GOOD = compress(content())


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (compress(bytes((16 << 20) + 1)), "inflates too far"),
        (UNSIZED(content()), "content size"),
        (GOOD + b"\0", "zstd frame"),
        (GOOD + GOOD, "zstd frame"),
        (bytes.fromhex("502a4d18 04000000 00000000") + GOOD, "zstd frame"),
        (GOOD[:-1], "zstd frame"),
        (content(), "zstd frame"),
        (b"\0", "zstd frame"),
        (bytes.fromhex("28b52ffd807802000000110000") + b"{}", "window too large"),
        (bytes.fromhex("28b52ffd210702110000") + b"{}", "dictionary"),
    ],
    ids=[
        "too much",
        "no content size",
        "a byte after it",
        "two frames",
        "a skippable frame",
        "a byte missing",
        "no frame",
        "one byte",
        "a window too large",
        "a dictionary",
    ],
)
def test_tables_are_one_bounded_frame(frame, words):
    draft = Draft(written(BASE["trellis"]))
    draft.set_table(frame)
    with pytest.raises(CorruptSectionError, match=f"COMP: tables of factor left.*{words}"):
        read_all(draft.build())


def test_tables_are_not_compressed_with_the_dictionary_of_the_metadata():
    text = (format_folder() / "metadata.dict").read_bytes()
    dictionary = zstandard.ZstdCompressionDict(text, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    draft = Draft(written(BASE["trellis"]))
    draft.set_table(zstandard.ZstdCompressor(dict_data=dictionary).compress(text[:300]))
    with pytest.raises(CorruptSectionError, match="COMP"):
        read_all(draft.build())


def test_the_writer_refuses_tables_that_the_reader_would():
    f = sound()
    for changes, words in [
        ({"coding_parameters": f.left.coding_parameters[:-1]}, "left"),
        ({"coding_parameters": f.left.coding_parameters + b"\0"}, "left"),
        ({"quantizer_parameters": f.left.quantizer_parameters[:-1]}, "length of quantizer"),
        ({"coding": "packed"}, "coding"),
        ({"quantizer": "deadzone"}, "machine"),
        ({"components": 4}, "left"),
        ({"chunks": [f.left.chunks[0], bytes(16)]}, "state of lane 0"),
        ({"chunks": [f.left.chunks[0], bytes(15)]}, "length of chunk 1"),
    ]:
        with pytest.raises(CorruptSectionError, match=words):
            written(dataclasses.replace(f, left=dataclasses.replace(f.left, **changes)))


def test_the_size_is_known_without_reading_chunks_of_a_file(monkeypatch):
    raw = written(sound())
    (found,) = read_all(raw)
    monkeypatch.delattr(type(found.left.chunks), "_element")
    monkeypatch.setattr(SectionReader, "payload", None)
    assert container_size([found]) == len(raw)


def test_equal_factors_give_equal_bytes():
    assert written(sound()) == written(sound())


def test_the_example_of_the_specification():
    lines = dict(re.findall(r"(?m)^(tables|payload|k|codes)  +(.*)$", SPEC))
    tables, payload = bytes.fromhex(lines["tables"]), bytes.fromhex(lines["payload"])
    codes = np.array([[int(code) for code in lines["codes"].split()]])
    assert entropy_tables.check_rans_tables(tables, 1, "trellis", "left") == len(tables)
    assert naive.rans_encode_chunk(codes, tables) == payload
    assert np.array_equal(naive.rans_decode_chunk(payload, tables, 1, codes.size), codes)


def test_a_factor_may_have_no_components():
    for quantizer in ("deadzone", "trellis"):
        f = factorization((4, 3), (), "factors", quantizer)
        (found,) = read_all(written(f))
        assert found.rank == 0 and found.left.coding_parameters == f.left.coding_parameters
    assert entropy_cases.NONE.build() == rans_factor(4, 0, context=1).coding_parameters
