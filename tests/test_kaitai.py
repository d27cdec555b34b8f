"""The parsers that Kaitai Struct makes of lplr.ksy find in files what product and decoder find."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from kaitai.other_readers import (
    as_the_reference_tells,
    found_by_the_product,
    found_by_the_reference,
)
from kaitai.parse import FileReport, tag_of
from kaitaistruct import KaitaiStructError
from lplr_samples import WHOLE_FILE, Draft, DraftSection, factorization, written

from lplrcli.container.byte_layout import CRITICAL_TAGS
from lplrcli.container.entropy_tables import CONTEXTS
from lplrcli.runtime.format_files import format_folder

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build" / "kaitai"
GOLDEN = sorted((ROOT / "testdata" / "golden").glob("*/*.lplr"))


@pytest.fixture(scope="module")
def compiled():
    """The Python parser, as a module."""
    path = BUILD / "lplr.py"
    if shutil.which("node") is None or not path.exists():
        missing = "lplr.ksy was not compiled: install nodejs (18 or later) and npm, run `make test`"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    spec = importlib.util.spec_from_file_location("lplr_of_kaitai", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Lplr


def found_by_javascript(paths):
    """Reports of files, by one process."""
    script = ROOT / "tests" / "kaitai" / "parse.mjs"
    command = ["node", str(script), str(BUILD), *map(str, paths)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in printed.splitlines()]


def with_metadata_read(report):
    for matrix in report["matrices"]:
        matrix["metadata"] = json.loads(matrix["metadata"])
    return report


def test_three_readers_find_the_same_in_every_golden_file(compiled):
    report = FileReport(compiled)
    for path, javascript in zip(GOLDEN, found_by_javascript(GOLDEN), strict=True):
        raw = path.read_bytes()
        python = with_metadata_read(report.of(raw))
        assert "refused" not in javascript, (path, javascript)
        assert with_metadata_read(javascript) == python, path
        assert python == found_by_the_product(raw), path
        assert as_the_reference_tells(python) == found_by_the_reference(raw), path
    assert len(GOLDEN) > 150


def rans_draft():
    return Draft(written(factorization(bits=(1, 1, 1), quantizer="trellis")))


def packed_draft():
    return Draft(written(factorization((3, 10))))


def with_fields(draft, **fields):
    for name, value in fields.items():
        setattr(draft, name, value)
    return draft


def with_section(draft, of, **fields):
    with_fields(draft[of], **fields)
    return draft


def with_byte(draft, tag, at, value):
    payload = bytearray(draft[tag].payload)
    payload[at] = value
    return with_section(draft, tag, payload=bytes(payload))


def with_table(change):
    draft = rans_draft()
    draft.edit_table(change)
    return draft


def with_byte_of_table(at, value):
    def change(content):
        content = bytearray(content)
        content[at] = value
        return bytes(content)

    return with_table(change)


def with_unfit_frequencies():
    """Weights so unequal that ones for the least use up more than the greatest has."""
    table = [231, 47, 47, *[0] * 29, 210, 210, *[0] * 198]
    return with_table(lambda content: bytes([3, 0, 1, 1, 0, 0, 0, 0, 0, *table]) + content[-17:])


def with_note_of_later():
    draft = packed_draft()
    draft.sections.append(DraftSection(b"nOTe", 0))
    return draft


def spoilt():
    """By the rule that each breaks: the type that holds it, and a file."""
    return {
        "signature": ("file_header", with_fields(packed_draft(), signature=b"\x89LPLR\n\x1a\n")),
        "major": ("file_header", with_fields(packed_draft(), major=2)),
        "minor": ("file_header", with_fields(packed_draft(), major=0, minor=3)),
        "flags": ("file_header", with_fields(packed_draft(), flags=1)),
        "reserved": ("file_header", with_fields(packed_draft(), reserved=b"\1" + bytes(11))),
        "flags of a section": ("section", with_section(packed_draft(), "COMP", flags=1)),
        "critical tag": ("section", with_section(packed_draft(), "LEFT", tag=b"LOFT")),
        "letter in 0.2": ("section", with_fields(with_note_of_later(), major=0, minor=2)),
        "case of a tag": ("section", with_section(packed_draft(), "LEFT", tag=b"leFT")),
        "ordinal of META": ("section", with_section(packed_draft(), "META", ordinal=1)),
        "padding": ("zeros", with_section(packed_draft(), "COMP", padding=b"\1")),
        "entry": ("index_entry", with_section(packed_draft(), "COMP", entry={"matrix": 1})),
        "offset": ("index_entry", with_section(packed_draft(), "COMP", entry={"offset": 65})),
        "trailing": ("requested", with_fields(packed_draft(), trailing=b"\0")),
        "index offset": ("index_section", with_fields(packed_draft(), end={"index offset": 32})),
        "section count": ("index_section", with_fields(packed_draft(), end={"section count": 1})),
        "frame": ("bounded_frame", with_byte(packed_draft(), "META", 0, 0)),
        "bits": ("packed_tables", with_byte(packed_draft(), "COMP", 0, 17)),
        "scale": ("normal_side", with_byte(packed_draft(), "COMP", 3, 0x80)),
        "run padding": ("packed_run", with_byte(packed_draft(), "LEFT", -1, 0xFF)),
        "run length": ("packed_chunk", with_section(packed_draft(), "LEFT", payload=bytes(9))),
        "machine": ("rans_tables", with_byte_of_table(0, 9)),
        "context": ("rans_tables", with_byte_of_table(1, 5)),
        "classes": ("rans_tables", with_byte_of_table(2, 0)),
        "class": ("difference", with_byte_of_table(4, 200)),
        "frequency": ("frequency_table", with_unfit_frequencies()),
        "step": ("stepped_side", with_byte_of_table(-10, 0xFF)),
        "scale index": ("stepped_side", with_byte_of_table(-1, 0x7F)),
        "rest of tables": ("rans_tables", with_table(lambda content: content + b"\0")),
        "state": ("rans_chunk", with_section(rans_draft(), "LEFT", payload=bytes(16))),
        "odd chunk": ("requested", with_section(rans_draft(), "LEFT", payload=b"\1" * 17)),
    }


def test_files_that_break_rules_of_the_description_are_refused(compiled, tmp_path):
    report = FileReport(compiled)
    drafts = {"nothing": ("", packed_draft()), "nothing either": ("", rans_draft())} | spoilt()
    paths = [tmp_path / name for name in drafts]
    for path, (_, draft) in zip(paths, drafts.values(), strict=True):
        path.write_bytes(draft.build())
    for path, javascript in zip(paths, found_by_javascript(paths), strict=True):
        place, _ = drafts[path.name]
        if place:
            told = javascript.get("refused", "accepted")
            assert told.startswith(("Validation", "EOF")), (path.name, told)
            with pytest.raises((KaitaiStructError, EOFError), match=place):
                report.of(path.read_bytes())
        else:
            assert report.of(path.read_bytes()) == javascript


def test_unknown_ancillary_sections_are_passed_over(compiled):
    draft = packed_draft()
    draft.sections.insert(1, DraftSection(b"nOTE", 0, payload=b"for somebody else"))
    draft.sections.append(DraftSection(b"nOTe", WHOLE_FILE, payload=b"x"))
    draft.minor = 7
    found = FileReport(compiled).of(draft.build())
    assert {"nOTE", "nOTe"} < {row[0] for row in found["sections"]}
    assert found["version"] == [1, 7]
    plain = FileReport(compiled).of(packed_draft().build())
    assert found["matrices"] == plain["matrices"]


def test_the_description_names_what_the_format_has(compiled):
    assert {tag_of(each) for each in compiled.SectionTag} == CRITICAL_TAGS
    assert [int(each) for each in compiled.ContextKind] == list(CONTEXTS)


def test_sections_of_the_specification_that_the_description_names_are_there():
    headings = re.findall(r"^#+ (.*)$", (format_folder() / "SPEC.md").read_text("utf-8"), re.M)
    named = re.findall(r"doc-ref: SPEC.md (.*)$", (format_folder() / "lplr.ksy").read_text(), re.M)
    assert len(named) > 15
    for each in named:
        for heading in re.findall(r'"([^"]+)"', each):
            assert {heading, f"`{heading}`"} & set(headings), heading
