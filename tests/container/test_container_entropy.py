"""Coding ``rans`` in a file: every field of its tables, its frames, and what comes back."""

from __future__ import annotations

import dataclasses
import math
import re

import entropy_cases
import naive
import numpy as np
import pytest
import zstandard
from entropy_cases import BASE, CASES, content, put, sound
from hypothesis import given, settings
from hypothesis import strategies as st
from lplr_samples import Draft, factorization, read_all, written
from rans_samples import Tables, differences, rans_factor, side_for, tables_for

from lplrcli.container import entropy_tables, quantizer_parameters
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
    assert found.left.tables + found.left.side == content()
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
        ({"tables": f.left.tables[:-1]}, "left"),
        ({"tables": f.left.tables + b"\0"}, "left"),
        ({"side": f.left.side[:-1]}, "length of side"),
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


@st.composite
def all_tables(draw):
    components = draw(st.integers(1, 9))
    machine = draw(st.sampled_from([0, 3, 4, 5, 6, 7, 8]))
    classes = draw(st.integers(1, 255))
    context = draw(st.integers(0, 1))
    weights = st.lists(st.integers(0, 47), max_size=230)
    lists = draw(st.lists(st.tuples(weights, st.integers(1, 47)), min_size=1, max_size=4))
    lists = [[*head, last] for head, last in lists]
    size = classes * (32 if context else 1) * (2 if machine else 1)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    tables = Tables(
        machine, context, rng.integers(0, classes, components).tolist(),
        rng.integers(0, len(lists), size).tolist(), lists, classes=classes,
    )  # fmt: skip
    return tables, components


@settings(deadline=None)
@given(all_tables())
def test_tables_mean_the_same_to_the_check_and_to_the_slow_twin(drawn):
    tables, components = drawn
    quantizer = "trellis" if tables.machine else "deadzone"
    expected = [naive.rans_frequencies(weights) for weights in tables.weights]
    assert [entropy_tables.frequencies(bytes(w)) for w in tables.weights] == expected
    raw = tables.build()

    def read():
        return entropy_tables.check_rans_tables(raw + b"side", components, quantizer, "left")

    if any(max(f) < 1 or min(f) < 0 or f[-1] < 1 for f in expected):
        with pytest.raises(CorruptSectionError, match="frequency"):
            read()
        return
    assert read() == len(raw)
    assert all(sum(f) == 4096 for f in expected)
    machine, context, class_of, table_of, found = naive.rans_read_tables(raw, components)
    assert (machine, context) == (tables.machine, tables.context)
    assert (class_of, table_of, found) == (tables.class_of, tables.table_of, expected)


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(0, 9), st.sampled_from(["deadzone", "trellis"]))
def test_arbitrary_tables_are_read_or_refused(raw, components, quantizer):
    for head in (b"", bytes([3, 0, 1, 1]), bytes([0, 1, 2, 2])):
        try:
            size = entropy_tables.check_rans_tables(head + raw, components, quantizer, "left")
        except CorruptSectionError:
            continue
        naive.rans_read_tables((head + raw)[:size], components)


@given(st.binary(max_size=99), st.sampled_from([1, 2]))
def test_differences_are_undone(raw, lag):
    assert entropy_tables.undo_differences(differences(raw, lag), lag) == raw


def test_weights_and_scales_are_those_of_the_specification():
    listed = [entropy_tables.weight(w) for w in range(48)]
    assert listed[:15] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24]
    assert listed[47] == 7168 and listed == sorted(set(listed))
    for index in (-8176, -8169, -9, -8, -1, 0, 1, 8, 8191):
        e, m = math.floor(index / 8), index % 8
        assert quantizer_parameters.scale_of(index) == (1 + m / 8) * 2.0**e
    assert quantizer_parameters.scale_of(-8176) == 2.0**-1022
    assert quantizer_parameters.scale_of(8191) == 1.875 * 2.0**1023


def test_the_machines_are_made_of_the_polynomials_that_the_specification_names():
    rows = {
        name: [int(cell) for cell in re.search(rf"\n\| {name} \|(.*)\|\n", SPEC)[1].split("|")]
        for name in ("v", "H0", "H1")
    }
    found = dict(zip(rows["v"], zip(rows["H0"], rows["H1"], strict=True), strict=True))
    assert found == naive.TRELLIS_MACHINES
    assert tuple(found) == entropy_tables.MACHINES["trellis"]


def test_the_example_of_the_specification():
    lines = dict(re.findall(r"(?m)^(tables|payload|k|codes)  +(.*)$", SPEC))
    tables, payload = bytes.fromhex(lines["tables"]), bytes.fromhex(lines["payload"])
    codes = np.array([[int(code) for code in lines["codes"].split()]])
    assert entropy_tables.check_rans_tables(tables, 1, "trellis", "left") == len(tables)
    assert naive.rans_encode_chunk(codes, tables) == payload
    assert np.array_equal(naive.rans_decode_chunk(payload, tables, 1, codes.size), codes)


def test_many_components_are_checked_fast():
    tables = tables_for(100_000, classes=3)
    assert entropy_tables.check_rans_tables(tables, 100_000, "deadzone", "left") == len(tables)


def test_a_factor_may_have_no_components():
    for quantizer in ("deadzone", "trellis"):
        f = factorization((4, 3), (), "factors", quantizer)
        (found,) = read_all(written(f))
        assert found.rank == 0 and found.left.tables == f.left.tables
    assert entropy_cases.NONE.build() == rans_factor(4, 0, context=1).tables
