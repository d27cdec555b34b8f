"""A file written again with one matrix replaced: everything else stays."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from lplr_samples import WHOLE_FILE, Draft, DraftSection, factorization, read_all, written
from reference import decoded

from lplrcli.container.reader import open_container
from lplrcli.container.rewriter import rewrite_container
from lplrcli.errors import CorruptSectionError, UnsupportedVersionError

GOLDEN = Path(__file__).parents[2] / "testdata" / "golden"


def rewritten(raw, matrix, new):
    stream = io.BytesIO()
    with open_container(io.BytesIO(raw), "old.lplr") as container:
        size = rewrite_container(stream, container, matrix, new)
    assert size == len(stream.getvalue())
    return stream.getvalue()


def same(one, other):
    assert (one.shape, one.plan, one.report) == (other.shape, other.plan, other.report)
    assert one.parts.keys() == other.parts.keys()
    for name, part in one.parts.items():
        assert list(part.chunks) == list(other.parts[name].chunks)


@pytest.mark.parametrize("matrix", [0, 1, 2])
def test_other_matrices_are_copied(matrix):
    old = [factorization((n, 10)) for n in (19, 30, 5)]
    new = factorization((50, 10), quantizer="trellis")
    found = read_all(rewritten(written(*old, names=["a", "b", None]), matrix, new))
    for number, one in enumerate(found):
        same(one, new if number == matrix else old[number])


def test_the_same_matrix_gives_the_same_file():
    raw = written(*(factorization((n, 10)) for n in (19, 30)), names=["a", None])
    with open_container(io.BytesIO(raw), "old.lplr") as container:
        assert rewritten(raw, 1, container.factorization(1)) == raw


def test_what_is_kept_with_a_matrix_stays():
    draft = Draft(written(factorization(), names=["weights"], created="2024-02-29T12:00:00Z"))
    draft.edit_json(lambda d: d.update(user={"a": [1, {"b": "x"}]}))
    note, own, late = (
        DraftSection(b"nOTe", WHOLE_FILE, 0, b"of the file"),
        DraftSection(b"oWNs", 0, 0, b"of the matrix"),
        DraftSection(b"oWNs", 0, 1, b""),
    )
    draft.sections = [note, *draft.sections[:3], own, *draft.sections[3:], late]
    raw = rewritten(draft.build(), 0, factorization((50, 10)))
    with open_container(io.BytesIO(raw), "new.lplr") as container:
        document = container.metadata()
        found = [(s.tag, s.matrix, container.payload(s)) for s in container.sections
                 if not s.critical]  # fmt: skip
    assert document["array"]["name"] == "weights"
    assert document["created"] == "2024-02-29T12:00:00Z"
    assert document["user"] == {"a": [1, {"b": "x"}]}
    assert found == [
        ("nOTe", WHOLE_FILE, b"of the file"),
        ("oWNs", 0, b"of the matrix"),
        ("oWNs", 0, b""),
    ]


def test_what_may_tell_of_the_old_matrix_goes():
    draft = Draft(written(factorization(), factorization((5, 4))))
    draft.sections += [
        DraftSection(tag, matrix, 0, b"anything")
        for tag in (b"sAFe", b"oTHE") for matrix in (WHOLE_FILE, 0, 1)
    ]  # fmt: skip
    raw = rewritten(draft.build(), 0, factorization((50, 10)))
    with open_container(io.BytesIO(raw), "new.lplr") as container:
        found = [(s.tag, s.matrix) for s in container.sections if not s.critical]
    assert found == [("sAFe", WHOLE_FILE), ("sAFe", 0), ("sAFe", 1), ("oTHE", 1)]


def test_a_file_of_a_later_minor_is_not_changed():
    draft = Draft(written(factorization()))
    draft.minor = 7
    with pytest.raises(UnsupportedVersionError, match=r"not changed.*found 1\.7") as caught:
        rewritten(draft.build(), 0, factorization((50, 10)))
    assert (caught.value.path, caught.value.offset) == ("old.lplr", 8)


def test_a_file_of_the_first_version(tmp_path):
    raw = (GOLDEN / "v0.1" / "three-matrices.lplr").read_bytes()
    assert raw[8:12] == b"\0\0\1\0"
    old = decoded(raw, tmp_path)
    with open_container(io.BytesIO(raw), "old.lplr") as container:
        again = rewritten(raw, 1, container.factorization(1))
    assert again[8:12] == b"\1\0\0\0"
    for one, other in zip(decoded(again, tmp_path), old, strict=True):
        np.testing.assert_array_equal(one.array, other.array)


@pytest.mark.parametrize("tag", ["META", "RGHT"])
def test_what_is_damaged_is_not_copied(tag):
    draft = Draft(written(factorization(), factorization()))
    section = next(s for s in draft.sections if (s.tag, s.matrix) == (tag.encode(), 1))
    section.checksum = 1
    section.entry = {"checksum": 2}
    with pytest.raises(CorruptSectionError, match=rf"old.lplr.*{tag}"):
        rewritten(draft.build(), 0, factorization())
