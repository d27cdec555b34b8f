"""Every field that SPEC.md names, broken alone: the reader names it and refuses."""

from __future__ import annotations

import json
import re
import struct
import zlib

import entropy_cases
import numpy as np
import pytest
from lplr_samples import WHOLE_FILE, Draft, DraftSection, factorization, kept, read_all, written
from reference import decoded

import lplrcli
from lplrcli.container import metadata
from lplrcli.errors import (
    CorruptSectionError,
    NotLplrError,
    UnknownSectionError,
    UnsupportedVersionError,
)
from lplrcli.runtime.format_files import format_folder

SPEC = (format_folder() / "SPEC.md").read_text(encoding="utf-8")


def put(**values):
    return lambda draft: vars(draft).update(values)


def section(tag, /, **values):
    return lambda draft: vars(draft[tag]).update(values)


def special(which, /, **values):
    return lambda draft: vars(getattr(draft, which)).update(values)


def entry(tag, /, **values):
    return lambda draft: draft[tag].entry.update(values)


def end(**values):
    return lambda draft: draft.end.update({k.replace("_", " "): v for k, v in values.items()})


def table(start, raw, tag="COMP"):
    def change(draft):
        payload = draft[tag].payload
        draft[tag].payload = payload[:start] + raw + payload[start + len(raw) :]

    return change


def insert(at, **values):
    return lambda draft: draft.sections.insert(at, DraftSection(**values))


def swap(a, b):
    def change(draft):
        draft.sections[a], draft.sections[b] = draft.sections[b], draft.sections[a]

    return change


def drop(tag):
    return lambda draft: draft.without(tag)


def key(record, name, value):
    return lambda draft: draft.edit_json(lambda d: d[record].update({name: value}))


def both(*changes):
    return lambda draft: [change(draft) for change in changes]


def end_checksum(draft):
    payload = draft.build()[-16:]
    draft.last.payload = payload[:-1] + bytes([payload[-1] ^ 1])


def chunk(tag, raw):
    return section(tag, payload=raw)


def last_left(raw):
    """Replace the last chunk of the left factor: 3 rows of 2 components, 3 bits each."""

    def change(draft):
        draft.sections[4].payload = raw

    return change


def one(quantizer="normal"):
    return factorization((19, 10), (3, 3), "factors+residual", quantizer)


def sample_for(key):
    """A sound file that has the field."""
    if key[0] == "`KEPT`":
        return kept()
    return one("uniform" if key[0] == "`uniform`" else "normal")


F = CorruptSectionError
# (heading of SPEC.md, field) -> changes, each with the error and words of its message
CASES = {
    ("Structure of a file", ""): [
        (section("COMP", hole=64), F, "payload offset of COMP"),
        (section("COMP", hole=1), F, "payload offset of COMP"),
        (special("index", hole=64), F, "INDX.*position"),
        (special("last", hole=64), F, "LEND.*index offset"),
        (put(trailing=b"\0"), F, "trailing bytes"),
    ],
    ("Structure of a file", "padding"): [
        (section("COMP", padding=b"\0\1"), F, "COMP.*padding"),
        (special("index", padding=b"\1"), F, "INDX.*padding"),
        (both(insert(0, tag=b"xTRA"), special("last", padding=b"\1")), F, "LEND.*padding"),
    ],
    ("File header", "signature"): [
        (put(signature=b"\x89LPLR\r\x1a\x0b"), NotLplrError, "signature"),
        (put(signature=b"\x89LPLR\n\x1a\n"), NotLplrError, "signature.*text mode: CR became LF"),
        (put(signature=b"\tLPLR\r\x1a\n"), NotLplrError, "signature.*high bit"),
    ],
    ("File header", "major"): [
        (put(major=2), UnsupportedVersionError, r"major.*found 2\.0, expected 0.1, 0.2, 1.0, 1.1"),
        (put(major=65535, minor=65535), UnsupportedVersionError, r"major.*found 65535\.65535"),
    ],
    ("File header", "minor"): [
        (put(major=0, minor=3), UnsupportedVersionError, r"minor.*found 0\.3, expected 0\.1, 0\.2"),
        (put(major=0), UnsupportedVersionError, r"minor.*found 0\.0"),
    ],
    ("Versions and compatibility", "another major"): [
        (put(major=3), UnsupportedVersionError, r"found 3\.0.*\n.*reads format 3\.0"),
    ],
    ("Versions and compatibility", "a later minor"): [
        (both(put(minor=2), put(flags=1)), F, "file header: flags"),
        (both(put(minor=2), insert(2, tag=b"XTRA")), UnknownSectionError, "XTRA"),
        (both(put(minor=2), key("factors", "core", {})), F, "factors.*core"),
        (both(put(minor=65535), key("array", "dtype", "complex64")), F, "array.dtype"),
    ],
    ("Versions and compatibility", "a minor that the reader knows"): [
        (key("plan", "novelty", 1), F, "plan.*novelty"),
    ],
    ("File header", "flags"): [(put(flags=1), F, "file header: flags")],
    ("File header", "reserved"): [
        (put(reserved=bytes(11) + b"\1"), F, "file header: reserved"),
        (put(reserved=b"\1" + bytes(11)), F, "file header: reserved"),
    ],
    ("File header", "header checksum"): [(put(header_flip=1), F, "file header: header checksum")],
    ("Section header", "tag"): [
        (section("COMP", tag=b"COMq"), F, "tag"),
        (insert(2, tag=b"xTrA"), F, "tag"),
        (insert(2, tag=b"xtRa"), F, "tag"),
        (insert(2, tag=b"XTRa"), F, "tag"),
        (section("COMP", tag=b"COM1"), F, "tag"),
        (section("COMP", tag=b"COMP", entry={"tag": b"COMp"}), F, "tag"),
        (section("COMP", tag=b"XTRA", entry={"tag": b"COMP"}), F, "tag of section header and"),
        (insert(2, tag=b"XTRA"), UnknownSectionError, "XTRA"),
        (special("index", tag=b"INDY"), F, "tag"),
        (special("last", tag=b"LENT"), F, "tag"),
    ],
    ("Section header", "flags"): [
        (section("META", flags=1), F, "META.*flags"),
        (section("RGHT", flags=1 << 31), F, "RGHT.*flags"),
        (special("index", flags=1), F, "INDX.*flags"),
        (special("last", flags=1), F, "LEND.*flags"),
    ],
    ("Section header", "matrix"): [
        (section("LEFT", matrix=1, entry={"matrix": 0}), F, "LEFT.*matrix of section header"),
        (section("LEFT", matrix=1), F, "LEFT.*matrix"),
        (section("META", matrix=1), F, "META.*matrix"),
        (special("index", matrix=0), F, "INDX.*matrix"),
        (special("last", matrix=0), F, "LEND.*matrix"),
        (insert(0, tag=b"xTRA", matrix=1), F, "xTRA.*matrix"),
    ],
    ("Section header", "ordinal"): [
        (section("LEFT", ordinal=1, entry={"ordinal": 0}), F, "LEFT.*ordinal of section header"),
        (section("LEFT", ordinal=1), F, "LEFT.*ordinal"),
        (section("META", ordinal=1), F, "META.*ordinal"),
        (special("index", ordinal=1), F, "INDX.*ordinal"),
        (special("last", ordinal=1), F, "LEND.*ordinal"),
        (insert(0, tag=b"xTRA", ordinal=1), F, "xTRA.*ordinal"),
        (swap(2, 3), F, "LEFT.*ordinal"),
    ],
    ("Section header", "length"): [
        (section("LEFT", length=99), F, "LEFT.*length of section header"),
        (special("index", length=32), F, "INDX.*length"),
        (special("last", length=17), F, "LEND.*length"),
    ],
    ("Section header", "payload checksum"): [
        (section("LEFT", checksum=5, entry={"checksum": 5}), F, "LEFT.*payload checksum"),
        (section("META", checksum=5, entry={"checksum": 5}), F, "META.*payload checksum"),
        (section("COMP", checksum=5), F, "COMP.*payload checksum of section header"),
        (special("index", checksum=5), F, "INDX.*payload checksum"),
        (special("last", checksum=5), F, "LEND.*payload checksum"),
    ],
    ("Section header", "header checksum"): [
        (section("LEFT", header_flip=1), F, "LEFT.*header checksum"),
        (special("index", header_flip=1), F, "INDX.*header checksum"),
        (special("last", header_flip=1), F, "LEND.*header checksum"),
    ],
    ("Order of sections", ""): [
        (drop("META"), F, "COMP.*order"),
        (drop("COMP"), F, "LEFT.*order"),
        (put(sections=[]), F, "no matrix"),
        (lambda d: d.sections.__delitem__(slice(1, None)), F, "no COMP"),
        (swap(0, 1), F, "COMP.*order"),
        (swap(1, 2), F, "LEFT.*order"),
        (lambda d: d.sections.insert(2, d["COMP"]), F, "COMP.*order"),
        (lambda d: d.sections.insert(1, d["META"]), F, "META.*order"),
        (lambda d: d.sections.append(d["LEFT"]), F, "LEFT.*order"),
        (lambda d: d.sections.append(d["META"]), F, "META.*matrix"),
        (lambda d: d.sections.insert(2, d["LEFT"]), F, "LEFT.*ordinal"),
        (insert(1, tag=b"INDX", matrix=WHOLE_FILE), F, "INDX.*order"),
        (insert(1, tag=b"LEND", matrix=WHOLE_FILE), F, "LEND.*order"),
        (lambda d: d.sections.pop(), F, "RESD.*number of chunks"),
    ],
    ("`INDX`", "tag"): [
        (entry("LEFT", tag=b"XEFT"), UnknownSectionError, "XEFT"),
        (entry("LEFT", tag=b"LEF "), F, "tag"),
    ],
    ("`INDX`", "matrix"): [(entry("LEFT", matrix=3), F, "LEFT.*matrix")],
    ("`INDX`", "ordinal"): [(entry("LEFT", ordinal=3), F, "LEFT.*ordinal")],
    ("`INDX`", "payload checksum"): [(entry("LEFT", checksum=3), F, "LEFT.*payload checksum")],
    ("`INDX`", "length"): [
        (entry("RESD", length=2**64 - 1), F, "length of RESD"),
        (entry("META", length=500), F, "payload offset"),
        (entry("COMP", length=7), F, "COMP.*length"),
    ],
    ("`INDX`", "payload offset"): [
        (entry("META", offset=0), F, "INDX.*payload offset of META"),
        (entry("COMP", offset=64), F, "INDX.*payload offset of COMP"),
        (entry("COMP", offset=2**64 - 64), F, "INDX.*payload offset of COMP"),
    ],
    ("`LEND`", "index offset"): [
        (end(index_offset=32), F, "LEND.*index offset"),
        (end(index_offset=0), F, "LEND.*index offset"),
        (end(index_offset=2**64 - 32), F, "LEND.*index offset"),
    ],
    ("`LEND`", "section count"): [
        (end(section_count=0), F, "LEND.*section count"),
        (end(section_count=2**32 - 1), F, "LEND.*section count"),
    ],
    ("`LEND`", "end checksum"): [(end_checksum, F, "LEND.*end checksum")],
    ("`packed`", "bits"): [
        (table(0, b"\0"), F, "COMP.*bits of factor left"),
        (table(1, b"\x11"), F, "COMP.*bits of factor left"),
        (table(6, b"\xff"), F, "COMP.*bits of factor right"),
        (table(12, b"\0"), F, "COMP.*bits of factor residual"),
    ],
    ("`COMP`", "side"): [
        (lambda d: section("COMP", payload=d["COMP"].payload + b"\0")(d), F, "COMP.*length"),
    ],
    ("`packed`", "run padding"): [
        (last_left(b"\0\2\0\0"), F, "LEFT.*run padding of component 0"),
        (last_left(b"\0\0\0\x80"), F, "LEFT.*run padding of component 1"),
    ],
    ("`packed`", "chunk length"): [
        (chunk("LEFT", bytes(5)), F, "LEFT.*length of chunk 0"),
        (chunk("RGHT", b""), F, "RGHT.*length of chunk 0"),
        (chunk("RESD", bytes(999)), F, "RESD.*length of chunk 0"),
    ],
    ("`uniform`", "low"): [
        (table(2, struct.pack("<d", float("nan"))), F, "COMP.*low of factor left"),
        (table(2, struct.pack("<d", float("inf"))), F, "COMP.*low of factor left"),
    ],
    ("`uniform`", "step"): [
        (table(10, struct.pack("<d", -0.5)), F, "COMP.*step of factor left"),
        (table(10, struct.pack("<d", float("nan"))), F, "COMP.*step of factor left"),
        (table(10, struct.pack("<d", 1e308)), F, "COMP.*step of factor left"),
        (table(0, b"\2"), F, "COMP.*bits of factor left"),
    ],
    ("`normal`", "scale"): [
        (table(2, b"\0\0"), F, "COMP.*scale of factor left"),
        (table(4, b"\x80\x7f"), F, "COMP.*scale of factor left"),
        (table(4, b"\xc0\x7f"), F, "COMP.*scale of factor left"),
        (table(4, b"\x80\xbf"), F, "COMP.*scale of factor left"),
    ],
    ("`KEPT`", "layout"): [
        (table(0, b"\x08", "KEPT"), F, "KEPT.*layout of array 0"),
        (table(0, b"\xff", "KEPT"), F, "KEPT.*layout of array 0"),
        (table(1, b"\1", "KEPT"), F, "KEPT.*reserved bytes of array 0"),
        (table(7, b"\1", "KEPT"), F, "KEPT.*reserved bytes of array 0"),
    ],
    ("`KEPT`", "length"): [
        (table(8, b"\0", "KEPT"), F, "KEPT.*length"),
        (table(8, b"\xff", "KEPT"), F, "KEPT.*length of array 0"),
        (table(15, b"\xff", "KEPT"), F, "KEPT.*length of array 0"),
        (chunk("KEPT", b""), F, "KEPT.*length"),
        (chunk("KEPT", bytes(15)), F, "KEPT.*length"),
    ],
}  # fmt: skip
FLAT = [(key, i, *case) for key, cases in CASES.items() for i, case in enumerate(cases)]


@pytest.mark.parametrize(
    ("key", "change", "error", "words"),
    [pytest.param(k, *case, id=f"{k[0]}-{k[1]}-{i}") for k, i, *case in FLAT],
)
def test_a_broken_field_is_refused_by_name(key, change, error, words):
    draft = Draft(written(sample_for(key)))
    read_all(draft.build())  # sound before the change
    change(draft)
    with pytest.raises(error, match=words) as caught:
        read_all(draft.build())
    assert type(caught.value) is error
    assert caught.value.path == "sample.lplr"
    where = str(caught.value)
    assert caught.value.section is not None or re.search("file header|version|signature", where)
    for name in ("offset", "found", "expected"):
        assert getattr(caught.value, name) is not None, name
    assert where.count("\n") <= 1


@pytest.mark.parametrize(("change", "at"), [({"offset": 1}, 16), ({"length": 2**62}, 24)])
def test_a_wrong_entry_of_the_index_is_refused_where_it_is(change, at):
    for i in range(len(Draft(written(one())).sections)):
        draft = Draft(written(one()))
        draft.sections[i].entry.update(change)
        raw = draft.build()
        with pytest.raises(CorruptSectionError) as caught:
            read_all(raw)
        assert caught.value.section == "INDX"
        assert caught.value.offset == raw.rindex(b"INDX") + 32 + 32 * i + at


def fields_of_spec():
    heading, found = "", set()
    for line in SPEC.splitlines():
        if match := re.match(r"#+ (.*)", line):
            heading = match[1]
        starts = re.match(r"((\*\*[a-zA-Z ]+\.?\*\*,? ?)+)", line)
        names = re.findall(r"\*\*([^*]+)\*\*", starts[1]) if starts else []
        if heading in ("`uniform`", "`normal`"):
            names += re.findall(r"\*\*(\w+)\*\* [fu]\d", line)
        found |= {(heading, name.rstrip(".").lower()) for name in names}
    return {key for key in found if key[0] != "`META`"}


def test_every_field_of_the_specification_has_a_case():
    fields = fields_of_spec()
    assert ("Section header", "ordinal") in fields and ("`normal`", "scale") in fields
    assert ("Chunks of `rans`", "states") in fields and ("Units and shifts", "scales") in fields
    assert fields - set(CASES) - set(entropy_cases.CASES) == entropy_cases.DECODED


def test_writer_and_specification_agree_byte_for_byte():
    # `Draft` builds from the text of SPEC.md, the writer on its own.
    for f in (one(), one("uniform"), factorization((1, 1), ()), entropy_cases.sound(), kept()):
        assert Draft(written(f)).build() == written(f)


def test_the_example_of_the_specification(tmp_path, monkeypatch):
    # The release that wrote the example stands in it.
    monkeypatch.setattr(metadata, "__version__", "0.1.0")
    dump = re.search(r"```\n(00000000 .*?)```", SPEC, re.DOTALL)[1]
    raw = bytearray()
    for line in dump.splitlines():
        if line == "*":
            continue
        address, *cells = line[:58].split()
        raw += bytes(int(address, 16) - len(raw)) + bytes.fromhex("".join(cells))
    (f,) = read_all(bytes(raw))
    assert (f.shape, f.dtype, f.rank) == ((3, 2), "float32", 1)
    assert struct.unpack("<dd", f.left.quantizer_parameters) == (0, 0.5)
    assert (list(f.left.chunks), list(f.right.chunks)) == ([b"\x24"], [b"\x04"])
    assert zlib.crc32(raw[:28]).to_bytes(4, "little") == raw[28:32]
    assert bytes(raw) == written(f)
    expected = [[0, 0], [0.5, 1], [1, 2]]
    assert decoded(bytes(raw), tmp_path)[0].array.tolist() == expected
    with lplrcli.open(tmp_path / "a.lplr") as matrix:
        assert np.asarray(matrix).tolist() == expected
    document = re.search(r"```json\n(.*?)```", SPEC, re.DOTALL)[1]
    assert Draft(bytes(raw)).json() == json.loads(document)


def test_unknown_ancillary_sections_are_skipped():
    draft = Draft(written(one()))
    for at, matrix in ((0, WHOLE_FILE), (2, 0), (2, WHOLE_FILE), (len(draft.sections), 0)):
        ordinal = 1 if (at, matrix) == (2, WHOLE_FILE) else 0
        tag = b"tAIL" if at > 2 else b"xTRA"
        draft.sections.insert(at, DraftSection(tag, matrix, ordinal, b"anything", flags=9))
    draft.sections[2], draft.sections[3] = draft.sections[3], draft.sections[2]
    read_all(draft.build())
