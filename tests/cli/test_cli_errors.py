"""Every input that is refused, and how."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import safetensors.numpy
import scipy.sparse
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lplr_command import lplr, refused, run, shell
from lplr_samples import factorization, written

from lplrcli.container.reader import open_container
from lplrcli.errors import InputError
from lplrcli.io.files.seekable import spooled


def saved(array, **options):
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def not_finite(value, where=((3, 4),)):
    a = np.ones((9, 7), np.float32)
    for place in where:
        a[place] = value
    return saved(a)


def structured():
    return saved(np.zeros((3, 3), [("x", "f4"), ("y", "f4")]))


MTX = b"%%MatrixMarket matrix coordinate real general\n"
WHOLE = saved(np.ones((30, 20)))

REFUSED = {
    "complex": (saved(np.ones((3, 3), complex)), ["complex128", "expected", "float32", "real"]),
    "object": (saved(np.array([[1, None]]), allow_pickle=True), ["object", "astype"]),
    "string": (saved(np.array([["a", "b"]])), ["<U1", "numbers"]),
    "bytes": (saved(np.array([[b"a", b"b"]])), ["S1"]),
    "dates": (saved(np.zeros((2, 2), "M8[s]")), ["datetime64"]),
    "structured": (structured(), ["fields"]),
    "0-D": (saved(np.float32(3)), ["0-dimensional", "two to 5 dimensions"]),
    "1-D": (saved(np.ones(200)), ["1-dimensional", "(200,)", "reshape"]),
    "6-D": (saved(np.ones((2, 3, 1, 1, 1, 4))), ["6-dimensional", "(2, 3, 1, 1, 1, 4)", "eshape"]),
    "no rows": (saved(np.ones((0, 5))), ["empty", "(0, 5)"]),
    "no columns": (saved(np.ones((5, 0))), ["empty", "(5, 0)"]),
    "NaN": (not_finite(np.nan), ["1 entry", "NaN", "row 3, column 4"]),
    "infinity": (not_finite(-np.inf), ["1 entry", "infinite", "row 3, column 4"]),
    "NaNs": (not_finite(np.nan, ((8, 0), (2, 6), (2, 5))), ["3 entries", "row 2, column 5"]),
    "empty file": (b"", ["empty", "NumPy", "HDF5", "Matrix Market"]),
    "text": (b"hello, world\n" * 9, ["hello", "NumPy", "HDF5", "Matrix Market"]),
    "zip": (b"PK\x03\x04" + bytes(90), ["zip", "numpy.savez"]),
    "gzip": (gzip.compress(b"hello"), ["gzip"]),
    "cut npy": (WHOLE[:2000], ["cut short", "2000 bytes", str(len(WHOLE))]),
    "cut npy header": (WHOLE[:60], ["header"]),
    "npy with more": (WHOLE + b"more", ["bytes follow", str(len(WHOLE))]),
    "npy of version 9": (WHOLE[:6] + b"\x09" + WHOLE[7:], ["version", "9.0"]),
    "npy of nonsense": (b"\x93NUMPY\x01\x00\x04\x00[1,]" + bytes(64), ["header", "damaged"]),
    "cut hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(100), ["HDF5"]),
    "mtx without sizes": (MTX, ["Matrix Market"]),
    "mtx out of range": (MTX + b"3 3 1\n4 1 1.0\n", ["Matrix Market"]),
    "mtx cut short": (MTX + b"3 3 5\n1 1 1.0\n", ["Matrix Market"]),
    "mtx of words": (MTX + b"3 3 1\n1 one 1.0\n", ["Matrix Market"]),
    "mtx with NaN": (MTX + b"3 3 1\n2 1 nan\n", ["row 1, column 0"]),
    "complex mtx": (MTX.replace(b"real", b"complex") + b"2 2 1\n1 1 1 1\n", ["complex"]),
    "cut mtx.gz": (gzip.compress(MTX + b"3 3 1\n1 1 1\n")[:-9], []),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("piped", [False, True], ids=["file", "stdin"])
def test_a_matrix_that_is_refused(work, refuses, case, piped):
    content, words = REFUSED[case]
    (work / "bad.npy").write_bytes(content)
    if piped:
        if case == "empty file":
            words = ["nothing to read"]
        arguments, name, stdin = ("-",), "<stdin>", content
    else:
        arguments, name, stdin = ("bad.npy",), "bad.npy", b""
    says = [f"lplr: {name}: ", *words]
    refuses("compress", *arguments, "-r", 2, "-o", "out.lplr", says=says, stdin=stdin)


def test_the_refusal_of_a_real_process(work):
    np.save("c.npy", np.ones((3, 3), complex))
    result = run("compress", "c.npy", "-r", 2, cwd=work)
    refused(result, 1, "c.npy", "complex128")
    assert not (work / "c.lplr").exists()


@pytest.mark.parametrize("command", [("compress", "-r", 2), ("decompress",), ("inspect",)])
def test_what_is_not_a_file(work, refuses, command):
    name, *options = command
    (work / "folder").mkdir()
    output = () if name == "inspect" else ("-o", "out")
    for source, words in {
        "none.npy": ["none.npy", "No such file"],
        "folder": ["folder", "is a directory"],
        "no/such": ["no/such", "No such file"],
        "a.npy/b": ["a.npy/b"],
        "": ["empty"],
        "\x01": ["No such file"],
        "/dev/null": ["/dev/null"],
    }.items():
        refuses(name, source, *options, *output, says=words)
    refuses(name, "-", *options, *output, says=["<stdin>", "nothing to read"])


@pytest.mark.parametrize("command", ["decompress", "inspect"])
def test_advice_fits_the_command(work, command):
    (work / "folder").mkdir()
    assert "compresses" not in lplr(command, "folder").err


def test_a_loop_of_links(work, refuses):
    (work / "loop").symlink_to("loop")
    refuses("compress", "loop", "-r", 2, "-o", "out", says=["loop"])


def test_hdf5_of_several_matrices(work, refuses):
    with h5py.File("two.h5", "w") as file:
        file["u"] = np.ones((30, 20), "f4")
        file["g/v"] = np.ones((5, 6))
        file["t"] = np.arange(4.0)
    refuses("compress", "two.h5", "-r", 2,
            says=["two.h5", "/u (30x20 float32)", "/g/v (5x6 float64)", "--dataset"])  # fmt: skip
    refuses("compress", "two.h5", "-r", 2, "--dataset", "/w",
            says=["two.h5", "/w", "does not exist", "/u (30x20 float32)"])  # fmt: skip
    refuses("compress", "two.h5", "-r", 2, "--dataset", "g", says=["two.h5", "not a dataset"])
    refuses("compress", "two.h5", "-r", 2, "--dataset", "t", says=["two.h5", "1-dimensional"])
    result = lplr("compress", "two.h5", "-r", 2, "--dataset", "g/v")
    assert result.code == 0, result.err


def test_hdf5_without_a_matrix(work, refuses):
    with h5py.File("none.h5", "w") as file:
        file["t"] = np.arange(4.0)
        file["z"] = np.ones((2, 2), complex)
    refuses("compress", "none.h5", "-r", 2, says=["none.h5", "no matrix", "/t"])


def test_an_lplr_file_is_not_compressed_again(refuses):
    refuses("compress", "a.lplr", "-r", 2, "-o", "out", says=["a.lplr", "decompress"])


# -- damaged .lplr files


@pytest.mark.parametrize("command", ["decompress", "inspect"])
@pytest.mark.parametrize("piped", [False, True], ids=["file", "stdin"])
def test_what_is_not_an_lplr_file(work, refuses, command, piped):
    output = ("-o", "out") if command == "decompress" else ()
    for content in (WHOLE, b"x", b"hello" * 99, b"\x89LPLR\n\x1a\n" + bytes(99)):
        (work / "bad.lplr").write_bytes(content)
        source, name = ("-", "<stdin>") if piped else ("bad.lplr", "bad.lplr")
        stdin = content if piped else b""
        refuses(command, source, *output, code=3, says=[name], stdin=stdin)


@pytest.mark.parametrize("command", ["decompress", "inspect"])
def test_truncated_anywhere(work, command):
    whole = (work / "a.lplr").read_bytes()
    with (work / "a.lplr").open("rb") as file, open_container(file, "a.lplr") as container:
        ends = {section.offset for section in container.sections}
        ends |= {section.end for section in container.sections}
    output = ("-o", "out") if command == "decompress" else ()
    for size in sorted(ends | set(range(1, len(whole), 97)) - {len(whole)}):
        if size == len(whole):
            continue
        (work / "cut.lplr").write_bytes(whole[:size])
        refused(lplr(command, "cut.lplr", *output), 3, "cut.lplr")
    assert not (work / "out").exists()


def test_more_than_the_file(work, refuses):
    (work / "more.lplr").write_bytes((work / "a.lplr").read_bytes() + b"\0")
    refuses("decompress", "more.lplr", "-o", "out", code=3, says=["more.lplr"])


@pytest.mark.parametrize("tag", ["LEFT", "RGHT"])
@pytest.mark.parametrize("to", ["npy", "h5", "mtx"])
def test_a_flipped_byte_in_a_chunk(work, refuses, tag, to):
    raw = bytearray((work / "a.lplr").read_bytes())
    with (work / "a.lplr").open("rb") as file, open_container(file, "a.lplr") as container:
        section = next(s for s in container.sections if s.tag == tag)
    raw[section.offset + section.length // 2] ^= 0x10
    (work / "bad.lplr").write_bytes(raw)
    says = ["bad.lplr", tag, "checksum"]
    refuses("decompress", "bad.lplr", "-o", f"out.{to}", code=3, says=says)
    refuses("inspect", "bad.lplr", "--against", "a.npy", code=3, says=says)
    assert lplr("inspect", "bad.lplr").code == 0  # headers alone are read
    result = lplr("decompress", "bad.lplr", "-o", "-", "--to", to)
    assert result.code == 3


def test_damage_in_the_metadata(work, refuses):
    raw = bytearray((work / "a.lplr").read_bytes())
    with (work / "a.lplr").open("rb") as file, open_container(file, "a.lplr") as container:
        section = next(s for s in container.sections if s.tag == "META")
    raw[section.offset + 5] ^= 1
    (work / "bad.lplr").write_bytes(raw)
    for command in (("decompress", "-o", "out"), ("inspect",)):
        refuses(command[0], "bad.lplr", *command[1:], code=3, says=["bad.lplr", "META"])


# -- a disk that cannot be read


@pytest.mark.parametrize("chunk", [False, True], ids=["at once", "while writing"])
def test_a_file_that_the_disk_does_not_give(work, refuses, monkeypatch, chunk):
    (work / "out.npy").write_bytes(b"old")
    with (work / "a.lplr").open("rb") as file, open_container(file, "a.lplr") as container:
        first = next(s.offset for s in container.sections if s.tag == "LEFT") if chunk else 0
    read = os.pread

    def failing(descriptor, length, offset):
        if offset >= first:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(descriptor, length, offset)

    monkeypatch.setattr(os, "pread", failing)
    result = refuses("decompress", "a.lplr", "-fo", "out.npy", says=["a.lplr", "cannot be read"])
    assert "out.npy" not in result.err  # which is not what failed


def test_standard_input_that_cannot_be_read():
    class Failing(io.BytesIO):
        def read(self, size=-1):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    with pytest.raises(InputError, match="<stdin>: cannot be read: Input") as caught:
        spooled(Failing(), "<stdin>")
    assert caught.value.advice is None


def test_the_input_is_no_output(work, refuses):
    (work / "link.npy").symlink_to("a.npy")
    (work / "hard.lplr").hardlink_to(work / "a.lplr")
    says = ["the output is the input"]
    for name in ("a.npy", "./a.npy", "link.npy"):
        refuses("compress", "a.npy", "-r", 2, "-fo", name, says=[name, *says])
    refuses("decompress", "a.lplr", "--to", "h5", "-fo", "hard.lplr", says=says)
    for line in (
        "lplr compress - -r 2 -fo a.npy < a.npy",
        "lplr compress a.npy -r 2 -o - >> a.npy",
        "lplr decompress a.lplr --to npy -fo /dev/fd/3 3<> a.lplr",
    ):
        before = {name: (work / name).read_bytes() for name in ("a.npy", "a.lplr")}
        refused(shell(line, work), 1, *says)
        assert {name: (work / name).read_bytes() for name in before} == before


# -- the traceback, when it is asked for


def test_debug_gives_the_traceback(work):
    result = run("--debug", "compress", "none.npy", "-r", "2", cwd=work)
    assert result.code == 1
    assert "Traceback" in result.err
    assert "none.npy" in result.err


def test_a_name_that_is_not_text(work):
    result = shell('lplr inspect "$(printf "\\377.lplr")"', work)
    refused(result, 1, "No such file")


# -- anything at all

STARTS = [
    b"",
    b"\x93NUMPY\x01\x00",
    b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (",
    b"\x89HDF\r\n\x1a\n",
    b"%%MatrixMarket matrix coordinate real general\n",
    b"%%MatrixMarket matrix array integer symmetric\n3 3\n",
    b"%%MatrixMarket ",
    b"\x1f\x8b\x08\x00",
    b"\x89LPLR\r\x1a\n",
    b"\x89LPLR\r\x1a\n\x00\x00\x01\x00",
    b"PK\x03\x04",
    b"\x20\0\0\0\0\0\0\0{",
]
COMMANDS = [("compress", "-r", "3", "-qo", "-"), ("decompress", "-qo", "-"), ("inspect", "--json")]
anything = st.builds(lambda start, rest: start + rest, st.sampled_from(STARTS), st.binary())


def survives(content):
    for name, *options in COMMANDS:
        result = lplr(name, "-", *options, stdin=content)
        assert "internal error" not in result.err, (name, content, result.err)
        assert "Traceback" not in result.err
        assert result.code in ((0, 1) if name == "compress" else (0, 1, 3)), (name, result)
        assert (result.code == 0) == (result.err == ""), (name, result)


@settings(deadline=None, derandomize=True)
@given(anything)
@example(b"")
@example(b"%%MatrixMarket matrix coordinate real general\n2 2 1\n1 1 5\n")
@example(b"%%MatrixMarket matrix array real general\n99999999 99999999\n1\n")
@example(b"%%MatrixMarket matrix coordinate pattern general\n1 1 0\n")
@example(b"%%MatrixMarket matrix coordinate real general\n-2 2 1\n1 1 5\n")
def test_any_bytes(content):
    survives(content)


@settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    name=st.sampled_from(["a.npy", "a.lplr", "a.h5", "a.mtx", "a.npz", "s.npz", "a.safetensors"]),
    place=st.integers(0, 2**20),
    value=st.integers(1, 255),
    length=st.none() | st.integers(0, 2**16),
)
def test_real_files_with_a_changed_byte_or_cut_short(spoilable, name, place, value, length):
    content = bytearray(spoilable[name])
    # Headers come first and break most: half of all places are among the first 400 bytes.
    place = place % 400 if place % 2 else place % len(content)
    content[place % len(content)] ^= value
    survives(bytes(content if length is None else content[:length]))


@pytest.fixture(scope="module")
def spoilable(shop, tmp_path_factory):
    a = np.load(shop / "a.npy")[:20, :10]
    folder = tmp_path_factory.mktemp("spoilable")
    np.save(folder / "a.npy", a)
    np.savez_compressed(folder / "a.npz", a)
    scipy.sparse.save_npz(folder / "s.npz", scipy.sparse.csr_array(a))
    safetensors.numpy.save_file({"a": a}, folder / "a.safetensors")
    with h5py.File(folder / "a.h5", "w") as file:
        file["u"] = a
    assert lplr("compress", folder / "a.npy", "-r", 3, "-q").code == 0
    result = lplr("decompress", folder / "a.lplr", "-qo", folder / "a.mtx")
    assert result.code == 0, result.err
    return {path.name: path.read_bytes() for path in folder.iterdir()}


TRICK = "\x1b]0;owned\x07\x9b2J\u202e"


def test_names_out_of_a_file_give_no_orders_to_the_terminal(refuses):
    with zipfile.ZipFile("two.npz", "w") as archive:
        for name in (TRICK, "b"):
            archive.writestr(f"{name}.npy", WHOLE)
    header = MTX.replace(b"coordinate", b"co\x9bord\x1bc")
    Path("wrong.mtx").write_bytes(header + b"1 1 1\n1 1 1\n")
    for name, shown in (("two.npz", "owned\\x07\\x9b2J\\u202e"), ("wrong.mtx", "co\\x9bord\\x1bc")):
        result = refuses("compress", name, "-r", 1, says=[shown])
        assert not set("\x1b\x07\x9b\u202e") & set(result.err)


def test_a_name_in_a_file_is_shown_as_text(work):
    Path("named.lplr").write_bytes(written(factorization(), names=["a\u202eb"]))
    assert "a\\u202eb" in lplr("inspect", "named.lplr").text
    (found,) = json.loads(lplr("inspect", "--json", "named.lplr").out)["files"]
    assert found["matrices"][0]["name"] == "a\u202eb"
