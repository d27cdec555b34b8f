"""Headers of Matrix Market texts: banner, comments and size line, against SciPy's reader."""

from __future__ import annotations

import io

import pytest
import scipy.io
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.errors import InputError, NotAMatrixError
from lplrcli.io import open_source
from lplrcli.io.formats.mtx_header import MAX_LINE_BYTES, read_mtx_header

BANNER = "%%MatrixMarket matrix "
REAL = BANNER + "coordinate real general\n"


def opened(tmp_path, text):
    path = tmp_path / "a.mtx"
    path.write_bytes(text.encode())
    return open_source(str(path))


def header_of(text):
    stream = io.BytesIO(text.encode())
    return read_mtx_header(stream, "a.mtx"), stream


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("%%MatrixMarket\n", "banner"),
        ("%%MatrixMarket vector array real general\n1 1\n1\n", "banner"),
        (BANNER + "list real general\n1 1 1\n", "layout"),
        (BANNER + "coordinate text general\n1 1 1\n", "field"),
        (BANNER + "array pattern general\n1 1\n", "field"),
        (BANNER + "coordinate real lopsided\n1 1 1\n", "symmetry"),
        (BANNER + "coordinate real symmetric\n2 3 1\n1 1 1\n", "square"),
        (REAL, "size line is missing"),
        (REAL + "% only\n%comments\n", "size line is missing"),
        (REAL + "2 2\n", "size line is wrong"),
        (REAL + "2 2 -1\n", "size line is wrong"),
        (REAL + "2 2 1_0\n", "size line is wrong"),
        (REAL + "2 2 " + "9" * 5000 + "\n", "size line is wrong"),
        (REAL + "2.0 2 1\n", "size line is wrong"),
        (REAL + "999999999999999999 2 1\n1 1 1\n", "far more rows"),
        (REAL + "2 999999999 1\n1 1 1\n", "far more rows"),
        (REAL + "%" + "x" * 70000 + "\n1 1 1\n1 1 1\n", "too long"),
    ],
    ids=range(17),
)
def test_refuses_a_damaged_header(tmp_path, text, fault):
    with pytest.raises(InputError, match=fault) as caught:
        opened(tmp_path, text)
    assert len(str(caught.value).splitlines()) <= 2
    assert str(caught.value).startswith(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (BANNER + "coordinate complex general\n1 1 1\n1 1 1 1\n", "complex"),
        (BANNER + "coordinate complex hermitian\n1 1 1\n1 1 1 0\n", "complex"),
        (REAL + "0 2 0\n", "empty"),
        (BANNER + "array real general\n2 0\n", "empty"),
    ],
)
def test_refuses_what_is_no_matrix(tmp_path, text, fault):
    with pytest.raises(NotAMatrixError, match=fault):
        opened(tmp_path, text)


@given(
    st.sampled_from(["coordinate", "array"]),
    st.sampled_from(["real", "integer", "unsigned-integer", "pattern"]),
    st.sampled_from(["general", "symmetric", "skew-symmetric"]),
    st.integers(1, 30),
    st.integers(1, 30),
    st.lists(st.sampled_from(["% said", "%", "", "  "]), max_size=4),
)
def test_a_header_says_what_scipy_reads_from_it(layout, field, symmetry, rows, columns, between):
    if layout == "array" and field == "pattern":
        field = "real"
    if symmetry != "general":
        columns = rows
    entries = {
        "general": rows * columns,
        "symmetric": rows * (rows + 1) // 2,
        "skew-symmetric": rows * (rows - 1) // 2,
    }[symmetry]
    size = f"{rows} {columns}" + (f" {entries}" if layout == "coordinate" else "")
    lines = [f"{BANNER}{layout} {field} {symmetry}", *between, size, "first entry"]
    found, stream = header_of("\n".join(lines))
    assert stream.read() == b"first entry"
    assert found.lines == len(lines) - 1
    assert (found.rows, found.columns, found.entries) == (rows, columns, entries)
    canonical = found.canonical()
    assert canonical.count(b"\n") == found.lines
    told = scipy.io.mminfo(io.BytesIO(canonical + b"1\n"))
    assert told[:2] == (rows, columns)
    assert told[3:] == (layout, field, symmetry)


@pytest.mark.parametrize(("word", "field"), [("double", "real"), ("real", "real")])
def test_other_words_for_the_same_are_understood(word, field):
    found, _ = header_of(f"{BANNER}array {word} hermitian\n3 3\n")
    assert (found.field, found.symmetry, found.coordinate) == (field, "symmetric", False)
    assert found.entries == 6


def test_a_line_may_be_as_long_as_is_said_and_no_longer():
    longest = "%" + "x" * (MAX_LINE_BYTES - 3) + "\n"
    assert header_of(f"{REAL}{longest}1 1 1\n")[0].lines == 3
    with pytest.raises(InputError, match="too long"):
        header_of(f"{REAL}%{longest}1 1 1\n")
