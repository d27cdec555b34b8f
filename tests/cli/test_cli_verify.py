"""``lplr verify``: lines, JSON, exit status, pipes; and what decompress makes of damage."""

from __future__ import annotations

import json

import numpy as np
import pytest
from lplr_command import lplr, on_terminal

from lplrcli.container.reader import open_container
from lplrcli.container.writer import write_container

KEYS = {
    "path", "ok", "file_bytes", "format_version", "matrices", "sections", "chunks", "checked",
    "measured", "errors",
}  # fmt: skip
ERROR_KEYS = {"message", "section", "offset", "found", "expected", "advice"}


@pytest.fixture
def damaged(work):
    """``bad.lplr``, a copy of ``a.lplr`` with a flipped bit in LEFT and in RGHT."""
    raw = bytearray((work / "a.lplr").read_bytes())
    with open_container((work / "a.lplr").open("rb"), "a.lplr") as container:
        for tag in ("LEFT", "RGHT"):
            section = next(s for s in container.sections if s.tag == tag)
            raw[section.offset] ^= 1
    (work / "bad.lplr").write_bytes(raw)
    return work


def documents(*arguments, code=0, stdin=b""):
    result = lplr("verify", "--json", "-q", *arguments, stdin=stdin)
    assert (result.code, result.err) == (code, "")
    found = json.loads(result.text)
    assert set(found) == {"files"}
    for record in found["files"]:
        assert set(record) == KEYS
        assert all(set(error) == ERROR_KEYS for error in record["errors"])
        assert record["ok"] == (not record["errors"])
    return found["files"]


def test_whole_files(work):
    result = lplr("verify", "a.lplr", "i.lplr")
    assert (result.code, result.out) == (0, b"")
    size = (work / "a.lplr").stat().st_size / 1024
    first, second = result.err.splitlines()
    assert first == f"a.lplr: OK, 1 matrix, 2 chunks, {size:.3g} KiB"
    assert second.startswith("i.lplr: OK, ")
    assert lplr("verify", "-q", "a.lplr").err == ""


def test_standard_input(work):
    raw = (work / "a.lplr").read_bytes()
    assert lplr("verify", "-", stdin=raw).err.startswith("-: OK, 1 matrix")
    result = lplr("verify", "-", stdin=raw[:-1])
    assert result.code == 3 and "<stdin>" in result.err


def test_damage_is_listed_and_other_files_are_checked(damaged):
    result = lplr("verify", "bad.lplr", "a.npy", "a.lplr")
    assert (result.code, result.out) == (3, b"")
    left, right, other, good = result.err.splitlines()
    assert left.startswith("lplr: bad.lplr: section LEFT: wrong payload checksum (at byte ")
    assert right.startswith("lplr: bad.lplr: section RGHT: wrong payload checksum (at byte ")
    assert "not an .lplr file" in other
    assert good.startswith("a.lplr: OK")
    quiet = lplr("verify", "-q", "bad.lplr", "a.lplr")
    assert (quiet.code, quiet.out, quiet.err) == (3, b"", "")


def test_json(damaged):
    bad, missing, good = documents("bad.lplr", "none.lplr", "a.lplr", code=3)
    assert [error["section"] for error in bad["errors"]] == ["LEFT", "RGHT"]
    assert all(
        isinstance(error[key], int) for error in bad["errors"] for key in ("offset", "found")
    )
    assert (bad["matrices"], bad["chunks"], bad["format_version"]) == (1, 2, good["format_version"])
    assert "cannot be opened" in missing["errors"][0]["message"]
    assert missing["checked"] == [] and missing["file_bytes"] is None
    assert good["checked"] == ["structure", "checksums", "metadata", "tables", "chunks"]
    assert good["file_bytes"] == (damaged / "a.lplr").stat().st_size


def test_exit_status_of_files_that_cannot_be_read(refuses, work):
    refuses("verify", "none.lplr", says=["none.lplr", "cannot be opened"])
    refuses("verify", "a.npy", code=3, says=["a.npy", "not an .lplr file"])
    (work / "empty.lplr").touch()
    refuses("verify", "empty.lplr", code=3, says=["empty.lplr"])
    refuses("verify", code=2)
    refuses("verify", "-", "-", code=2)
    refuses("verify", "a.lplr", "--matrix", "0", code=2, says=["--against"])
    refuses("verify", "a.lplr", "i.lplr", "--against", "a.npy", code=2, says=["one file"])
    refuses("verify", "-M", "1M", "a.lplr", says=["memory limit", "-M"])


def test_against_the_original(work, refuses):
    result = lplr("verify", "a.lplr", "--against", "a.npy")
    assert result.code == 0, result.err
    assert ": OK, 1 matrix" in result.err and "error as stated" in result.err
    (record,) = documents("a.lplr", "--against", "a.npy")
    assert record["checked"][-1] == "error"
    assert record["measured"]["exact"] and record["measured"]["against"] == "a.npy"
    (record,) = documents("-", "--against", "a.npy", stdin=(work / "a.lplr").read_bytes())
    assert record["ok"]
    other = np.load("a.npy")
    other[3] += 1
    np.save("other.npy", other)
    result = lplr("verify", "a.lplr", "--against", "other.npy")
    assert result.code == 3
    assert "lplr: a.lplr: section META: achieved.relative_frobenius_error is not" in result.err
    np.save("small.npy", other[:5])
    refuses("verify", "a.lplr", "--against", "small.npy", says=["shape"])


def test_against_one_of_several(work):
    with open_container((work / "a.lplr").open("rb"), "a.lplr") as container:
        one = container.factorization()
        with (work / "two.lplr").open("wb") as stream:
            write_container(stream, [one, one])
    assert lplr("verify", "two.lplr", "--against", "a.npy").code == 1
    assert lplr("verify", "two.lplr", "--against", "a.npy", "--matrix", 1).code == 0


def test_progress(work):
    _, shown = on_terminal("verify", "a.lplr", "--progress", cwd=work)
    assert "a.lplr: OK" in shown


# -- decompress reads every byte


@pytest.fixture
def several(work):
    """``two.lplr``: two matrices; a bit of the second is flipped in ``spoilt.lplr``."""
    with open_container((work / "a.lplr").open("rb"), "a.lplr") as container:
        one = container.factorization()
        with (work / "two.lplr").open("wb") as stream:
            write_container(stream, [one, one])
    raw = bytearray((work / "two.lplr").read_bytes())
    with open_container((work / "two.lplr").open("rb"), "two.lplr") as container:
        section = next(s for s in container.sections if s.matrix == 1 and s.tag == "RGHT")
    raw[section.offset] ^= 1
    (work / "spoilt.lplr").write_bytes(raw)
    return work


def test_decompress_finds_damage_that_it_does_not_need(several, refuses):
    assert lplr("decompress", "two.lplr", "--matrix", 0, "-qo", "whole.npy").code == 0
    for target in ("x.npy", "-"):
        refuses(
            "decompress", "spoilt.lplr", "--matrix", 0, "-o", target, code=3, says=["section RGHT"]
        )
    # A part needs what it reads, and no more.
    part = ("decompress", "spoilt.lplr", "--matrix", 0, "--rows", "0:5", "-qo", "part.npy")
    assert lplr(*part).code == 0
    assert (np.load("part.npy") == np.load("whole.npy")[:5]).all()


def test_nothing_goes_into_a_pipe_before_all_is_checked(damaged):
    result = lplr("decompress", "bad.lplr", "-o", "-")
    assert (result.code, result.out) == (3, b"")
