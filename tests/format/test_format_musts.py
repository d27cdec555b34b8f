"""Every "must" of SPEC.md has a test: see `musts`, the table of them."""

from __future__ import annotations

import re
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import test_format_fields as fields
from entropy_cases import CASES as ENTROPY_CASES
from lplr_samples import Draft, read_all, written
from musts import BASES, MUSTS, Broken, put
from reference import decode, decoded

import lplrcli
from lplrcli.errors import ContainerError, CorruptSectionError

TESTS = Path(__file__).parent.parent
FILES = {name: written(base) for name, base in BASES.items()}
BROKEN = [
    pytest.param(case, id=f"{row}-{i}")
    for row, (_, proof) in enumerate(MUSTS) if isinstance(proof, list)
    for i, case in enumerate(proof)
]  # fmt: skip


def assert_places(error):
    """Check that an error has all that a reader of it needs."""
    assert error.section is not None or "file header" in str(error) or "version" in str(error)
    for name in ("offset", "found", "expected"):
        assert getattr(error, name) is not None, name
    assert f"at byte {error.offset}" in str(error)
    assert len(str(error)) < 500


def test_every_must_has_a_row():
    spec, start = fields.SPEC, 0
    for words, _ in MUSTS:
        assert words in spec[start:], f"not in SPEC.md, or not in this order: {words}"
        at = spec.index(words, start)
        before = re.search(r"(?i)\bmust\b.*", spec[start:at])
        assert before is None or before[0].startswith('Must" binds'), before[0]
        start = at + len(words)
    assert re.search(r"(?i)\bmust\b.*", spec[start:]) is None


def test_every_row_names_a_test():
    sources = "".join(path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py"))
    for words, proof in MUSTS:
        if isinstance(proof, str):
            assert f"def {proof}(" in sources, words
        elif isinstance(proof, tuple):
            assert fields.CASES.get(proof) or ENTROPY_CASES.get(proof), words
        elif isinstance(proof, list):
            assert proof and all(isinstance(case, Broken) for case in proof), words
        else:
            assert proof["writers"], words


@pytest.mark.parametrize("case", BROKEN)
def test_what_breaks_a_must_is_refused(case, tmp_path):
    draft = Draft(FILES[case.base])
    case.change(draft)
    raw = draft.build()
    with pytest.raises(CorruptSectionError, match=case.words) as caught:
        read_all(raw)
    assert_places(caught.value)
    with pytest.raises(decode.LplrError):
        decoded(raw, tmp_path)


def test_how_a_file_came_about_changes_nothing(tmp_path):
    draft = Draft(FILES["means"])
    (expected,) = decoded(draft.build(), tmp_path)
    for path, value in (
        ("plan.basis", "single-pass"), ("plan.sketch", None), ("plan.sketch_size", None),
        ("plan.power_iterations", 9), ("plan.seed", 2**64 - 1), ("plan.predictions", {"direct": 1}),
        ("plan.target", {"method": "nq", "rank": 7, "bits": None, "bits_right": 16}),
    ):  # fmt: skip
        draft.edit_json(lambda d, path=path, value=value: _set(d, path, value))
    raw = draft.build()
    (found,) = decoded(raw, tmp_path)
    assert np.array_equal(found.array, expected.array)
    with lplrcli.open(tmp_path / "a.lplr") as matrix:
        changed = np.asarray(matrix)
    (tmp_path / "b.lplr").write_bytes(FILES["means"])
    with lplrcli.open(tmp_path / "b.lplr") as matrix:
        assert np.array_equal(np.asarray(matrix), changed)


def _set(document, path, value):
    group, key = path.split(".")
    document[group][key] = value


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw + b"\0\0",
        lambda raw: raw[:-2],
        lambda raw: raw[:12] + b"\1" + raw[13:],
    ],
)
def test_words_and_states_come_out_even(change, tmp_path):
    draft = Draft(FILES["trellis"])
    draft["LEFT"].payload = change(draft["LEFT"].payload)
    path = tmp_path / "a.lplr"
    path.write_bytes(draft.build())
    with pytest.raises(CorruptSectionError, match="LEFT") as caught, lplrcli.open(path) as matrix:
        np.asarray(matrix)
    assert caught.value.path == str(path)
    assert_places(caught.value)
    with pytest.raises(decode.LplrError, match="LEFT"):
        decode.decode_file(path)


def many_sections(draft):
    draft.end["section count"] = 2**32 - 1


def many_components(draft):
    for side in ("left", "right"):
        draft.edit_json(lambda d, side=side: d["factors"][side].update(
            components=2**31 - 1, table_length=3 * (2**31 - 1)))  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        many_sections, many_components, fields.entry("RESD", length=2**62),
        put("factors.left.table_length", 2**62), put("factors.residual.length", 2**62),
        lambda d: fields.section("META", payload=(
            bytes.fromhex("28b52ffd a0") + struct.pack("<I", 2**31) + bytes(99)))(d),
    ],
)  # fmt: skip
def test_nothing_is_allocated_on_the_word_of_a_field(change):
    draft = Draft(FILES["packed"])
    change(draft)
    raw = draft.build()
    tracemalloc.start()
    with pytest.raises(ContainerError) as caught:
        read_all(raw)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert_places(caught.value)
    assert most < 4_000_000
