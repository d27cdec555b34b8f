"""Matrix Market files against SciPy's reader and writer."""

from __future__ import annotations

import bz2
import gzip
import io

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lplrcli.errors import InputError, LplrError
from lplrcli.io import open_source

BANNER = "%%MatrixMarket matrix "


def csr_of(block):
    v = block.values
    if isinstance(v, np.ndarray):
        return sp.csr_array(v)
    return sp.csr_array((v.data, v.indices, v.indptr), shape=v.shape)


def whole(source):
    with source:
        return sp.vstack(list(source.map_blocks(csr_of))).toarray()


def opened(tmp_path, text):
    path = tmp_path / "a.mtx"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return open_source(str(path))


def random_sparse(rows, columns, dtype, seed=0):
    g = np.random.default_rng(seed)
    dense = g.integers(-50, 50, (rows, columns)) * (g.random((rows, columns)) < 0.1)
    return sp.coo_array(dense.astype(dtype))


@pytest.mark.parametrize("dtype", [np.float64, np.int64])
@pytest.mark.parametrize("zipped", [False, True])
def test_reads_what_scipy_writes(tmp_path, dtype, zipped):
    matrix = random_sparse(2500, 30, dtype)
    stream = io.BytesIO()
    scipy.io.mmwrite(stream, matrix, comment="one\ntwo")
    source = opened(tmp_path, gzip.compress(stream.getvalue()) if zipped else stream.getvalue())
    assert (source.shape, source.dtype, source.sparse) == ((2500, 30), dtype, True)
    blocks = list(source.map_blocks(lambda block: (block.start, block.values)))
    assert [start for start, _ in blocks] == [0, 1024, 2048]
    assert all(v.data.dtype == np.float64 and v.indptr.dtype == np.int64 for _, v in blocks)
    np.testing.assert_array_equal(whole(source), matrix.toarray())


@pytest.mark.parametrize("symmetry", ["symmetric", "skew-symmetric", "hermitian"])
@pytest.mark.parametrize("layout", ["coordinate", "array"])
def test_symmetries_are_expanded(tmp_path, symmetry, layout):
    sign = -1 if symmetry == "skew-symmetric" else 1
    lower = np.tril(np.arange(1.0, 17).reshape(4, 4), -1 if sign < 0 else 0)
    expected = lower + sign * np.tril(lower, -1).T
    if layout == "coordinate":
        entries = [f"{i + 1} {j + 1} {lower[i, j]}" for i, j in np.argwhere(lower)]
        size = f"4 4 {len(entries)}"
    else:
        entries = [str(lower[i, j]) for j in range(4) for i in range(4) if lower[i, j]]
        size = "4 4"
    text = f"{BANNER}{layout} real {symmetry}\n{size}\n" + "\n".join(entries) + "\n"
    np.testing.assert_array_equal(whole(opened(tmp_path, text)), expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BANNER + "coordinate pattern general\n2 2 2\n1 1\n2 1\n", [[1, 0], [1, 0]]),
        (BANNER + "coordinate real general\n2 2 3\n1 1 1\n2 2 5\n1 1 2\n", [[3, 0], [0, 5]]),
        (BANNER + "coordinate real general\n2 2 0\n", [[0, 0], [0, 0]]),
        ("%%matrixmarket MATRIX Coordinate Real GENERAL\n1 1 1\n1 1 2\n", [[2]]),
        (BANNER + "coordinate double general\r\n% c\r\n\r\n 1 1 1 \r\n\r\n1 1 2e-1\r\n", [[0.2]]),
        (BANNER + "array integer general\n2 2\n1\n2\n3\n4", [[1, 3], [2, 4]]),
        (BANNER + "array real skew-symmetric\n1 1\n", [[0]]),
        (BANNER + "array unsigned-integer general\n1 1\n9223372036854775808\n", [[2.0**63]]),
    ],
)
def test_small_texts(tmp_path, text, expected):
    np.testing.assert_array_equal(whole(opened(tmp_path, text)), expected)


@pytest.mark.parametrize(
    "end", ["", " ", "\t", "\r", "\r\n", "\n", "\n ", "\n\r", "\n\n\t"], ids=repr
)
@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
    "text",
    ["coordinate real general\n2 2 2\n1 2 3\n2 1 -4", "array real general\n2 2\n0\n-4\n3\n0"],
)
def test_any_space_may_end_a_text(tmp_path, text, zipped, end):
    # SciPy alone crashes on some of these.
    raw = f"{BANNER}{text}{end}".encode()
    found = whole(opened(tmp_path, gzip.compress(raw) if zipped else raw))
    np.testing.assert_array_equal(found, [[0, 3], [-4, 0]])


INTEGERS = BANNER + "coordinate integer general\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\ufeff" + BANNER + "array real general\n1 2\n1\n2\n", [[1, 2]]),
        ("\ufeff\n  " + BANNER + "array real general\n% c\n1 2\n1\n2\n", [[1, 2]]),
        (" " + BANNER + "array real general\n1 1\n1\n", [[1]]),
        ("\r\n\n" + BANNER + "coordinate real general\n1 1 1\n1 1 +1.5\n", [[1.5]]),
        (BANNER + "array real general\n2 2\n+1.5\n+2e+1\n-1\n+inf", [[1.5, -1], [20, np.inf]]),
        (INTEGERS + "1 2 2\n1 1 1.0\n1 2 +2.\n", [[1, 2]]),
        (INTEGERS + "1 1 1\n+1 +1 4611686018427387905.0\n", [[4611686018427387905.0]]),
    ],
)
@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, zstandard.compress])
def test_spellings_of_other_programs(tmp_path, text, expected, compress):
    found = whole(opened(tmp_path, compress(text.encode())))
    np.testing.assert_array_equal(found, expected)


def test_lines_in_messages_are_those_of_the_file(tmp_path):
    text = "\ufeff\n\n" + BANNER + "coordinate real general\n2 2 2\n+1 1 1 2\n2 1\n"
    with pytest.raises(InputError, match="Line 6"):
        opened(tmp_path, text.encode())


def test_duplicate_integers_do_not_wrap(tmp_path):
    big = 2**62
    text = f"{BANNER}coordinate integer general\n1 1 3\n" + f"1 1 {big}\n" * 3
    source = opened(tmp_path, text)
    assert source.dtype == np.int64
    assert whole(source) == [[3.0 * big]]


REAL = BANNER + "coordinate real general\n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (REAL + "2 2 2\n1 1 1\n", "3 numbers, expected 6"),
        (REAL + "2 2 1\n1 1 1\n2 2 2\n", "found more numbers, expected 3"),
        (REAL + "2 2 999999999999999999\n1 1 1\n", "entries is not the one announced"),
        (BANNER + "array real general\n99999999 99999999\n1\n", "not the one announced"),
        (REAL + "2 2 1\n3 1 1\n", "out of bounds"),
        (REAL + "2 2 1\n1 0 1\n", "out of bounds"),
        (REAL + "2 2 1\n1 -1 1\n", "out of bounds"),
        (REAL + "2 2 1\n1 99999999999999999999 1\n", "out of range"),
        (REAL + "2 2 1\n1 1 1d3\n", "character 'd'"),
        (REAL + "2 2 1\n1 1 0x3\n", "character 'x'"),
        (REAL + "2 2 1\n1 1 --1\n", "Invalid"),
        (REAL + "2 2 1\n% late\n1 1 1\n", "character '%'"),
        (REAL + "2 2 2\n1 1 1 2\n2 1\n", "Line 4"),
        (BANNER + "coordinate integer general\n1 1 1\n1 1 2.5\n", "character '.'"),
        (BANNER + "coordinate integer general\n1 1 1\n1 1 99999999999999999999\n", "out of range"),
        (BANNER + "array real general\n% c\n2 1\n1 2\n", "Truncated"),
    ],
    ids=range(16),
)
def test_refuses_damage(tmp_path, text, fault):
    with pytest.raises(InputError, match=fault) as caught:
        opened(tmp_path, text)
    assert len(str(caught.value).splitlines()) <= 2
    assert str(caught.value).startswith(str(tmp_path))


def test_refuses_damaged_gzip(tmp_path):
    text = (REAL + "2 2 2\n1 1 1\n2 2 1\n").encode() + b" " * 100_000
    whole_file = gzip.compress(text)
    for data in (whole_file[:-9], whole_file[:-6] + b"xx" + whole_file[-4:]):
        with pytest.raises(InputError, match="cannot be read"):
            opened(tmp_path, data)


VALID = (REAL + "% c\n3 3 4\n1 1 1.5\n2 2 -2e3\n3 1 4\n3 3 0.25\n").encode()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.one_of(
        st.binary(max_size=100).map(lambda tail: b"%%MatrixMarket" + tail),
        st.text("0123 \n-.e%", max_size=60).map(lambda tail: (REAL + tail).encode()),
        st.tuples(st.integers(14, len(VALID)), st.binary(max_size=4), st.integers(0, 4)).map(
            lambda edit: VALID[: edit[0]] + edit[1] + VALID[edit[0] + edit[2] :]
        ),
    ),
    zipped=st.booleans(),
)
def test_arbitrary_text_raises_only_our_errors(tmp_path, text, zipped):
    try:
        source = opened(tmp_path, gzip.compress(text) if zipped else text)
    except LplrError:
        return
    whole(source) if source.shape[1] < 1000 else None
