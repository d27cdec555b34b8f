"""``lplr append``."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import stat

import h5py
import numpy as np
import pytest
from lplr_command import lplr, refused, start, temporary_files, wait_until

import lplrcli
from lplrcli.container.reader import open_container
from lplrcli.container.writer import write_container


@pytest.fixture
def more(work):
    """Rows that continue ``a.npy``, in ``more.npy``."""
    rows = np.load("a.npy")[40:75][::-1] * np.float32(1.25)
    np.save("more.npy", rows)
    return rows


def decoded(path="a.lplr"):
    with lplrcli.open(path) as c:
        return c[...]


def test_a_file_grows_in_place(work, more):
    old = decoded()
    (work / "a.lplr").chmod(0o640)
    result = lplr("append", "a.lplr", "more.npy")
    assert result.code == 0, result.err
    assert result.out == b""
    assert len(result.err.splitlines()) == 1
    for word in ("a.lplr + more.npy -> a.lplr", "35 rows added", "155 x 80 float32", "rank 12"):
        assert word in result.err
    new = decoded()
    np.testing.assert_allclose(new[:120], old, rtol=0, atol=1e-5)
    assert np.linalg.norm(new[120:] - more) < 0.1 * np.linalg.norm(more)
    assert stat.S_IMODE((work / "a.lplr").stat().st_mode) == 0o640
    np.save("both.npy", np.concatenate([np.load("a.npy"), more]))
    against = json.loads(lplr("inspect", "a.lplr", "--against", "both.npy", "--json").text)
    (found,) = against["files"][0]["matrices"]
    assert found["measured"]["relative_frobenius_error"] == pytest.approx(
        found["relative_frobenius_error"], rel=1e-4
    )


def test_json(work, more):
    size = (work / "a.lplr").stat().st_size
    result = lplr("append", "a.lplr", "more.npy", "--json", "-q")
    assert (result.code, result.err) == (0, "")
    found = json.loads(result.text)
    assert found["shape"] == found["matrix_shape"] == [155, 80]
    assert found["rows_added"] == 35
    assert found["added"]["relative_frobenius_error"] < found["limit"]
    assert found["added"]["passes"] == 2
    assert found["file_bytes"] == (work / "a.lplr").stat().st_size > size
    assert found["bits_per_coordinate"] == 8 * found["file_bytes"] / (155 * 80)
    with lplrcli.open("a.lplr") as c:
        assert found["relative_frobenius_error"] == c.report.relative_frobenius_error
        assert found["max_abs_error"] == c.report.max_abs_error


def test_verbose_gives_the_time_per_stage(work, more):
    assert "projection" in lplr("append", "a.lplr", "more.npy", "-v").err


def test_another_file(work, more, refuses):
    before = (work / "a.lplr").read_bytes()
    assert lplr("append", "a.lplr", "more.npy", "-o", "b.lplr").code == 0
    assert (work / "a.lplr").read_bytes() == before
    refuses("append", "a.lplr", "more.npy", "-o", "b.lplr", says=["b.lplr", "exists", "-f"])
    for name in ("a.lplr", "more.npy"):
        refuses("append", "a.lplr", "more.npy", "-fo", name, says=["never overwritten"])
    assert lplr("append", "b.lplr", "more.npy", "-fo", "c.lplr").code == 0
    assert decoded("c.lplr").shape == (190, 80)


def test_pipes(work, more):
    assert lplr("append", "a.lplr", "more.npy", "-o", "b.lplr", "-q").code == 0
    expected = (work / "b.lplr").read_bytes()
    rows = (work / "more.npy").read_bytes()
    result = lplr("append", "-", "more.npy", "-q", stdin=(work / "a.lplr").read_bytes())
    assert (result.code, result.err) == (0, "")
    assert result.out == expected
    assert lplr("append", "a.lplr", "more.npy", "-qo", "-").out == expected
    assert lplr("append", "a.lplr", "-", stdin=rows).code == 0
    assert (work / "a.lplr").read_bytes() == expected


def test_hdf5_rows(work, more):
    with h5py.File("more.h5", "w") as file:
        file["u"], file["v"] = more, more[:2]
    result = lplr("append", "a.lplr", "more.h5", "--dataset", "/u", "-e", 1)
    assert result.code == 0, result.err
    assert decoded().shape == (155, 80)


def test_a_symbolic_link_is_followed(work, more):
    (work / "link.lplr").symlink_to("a.lplr")
    assert lplr("append", "link.lplr", "more.npy").code == 0
    assert (work / "link.lplr").is_symlink()
    assert decoded("a.lplr").shape == (155, 80)


def test_one_of_several_matrices(work, more, refuses):
    with (work / "a.lplr").open("rb") as file, open_container(file, "a") as container:
        one = container.factorization()
        stream = io.BytesIO()
        write_container(stream, [one, one], names=["first", "second"])
    (work / "two.lplr").write_bytes(stream.getvalue())
    refuses("append", "two.lplr", "more.npy", says=["several", "--matrix"])
    refuses("append", "two.lplr", "more.npy", "--matrix", 2, says=["no such matrix"])
    assert lplr("append", "two.lplr", "more.npy", "--matrix", 1).code == 0
    with (work / "two.lplr").open("rb") as file, open_container(file, "two") as container:
        shapes = [container.metadata(i)["array"] for i in range(2)]
    assert [(s["name"], s["shape"]) for s in shapes] == [
        ("first", [120, 80]),
        ("second", [155, 80]),
    ]
    report = lplrcli.append("two.lplr", more, matrix=0, rel_error=1)
    assert report.rows == 35
    assert report.file_bytes == (work / "two.lplr").stat().st_size


# -- what is refused leaves everything as it was


def test_rows_that_do_not_fit(work, refuses):
    strange = np.random.default_rng(7).standard_normal((100, 80)).astype(np.float32)
    np.save("strange.npy", strange)
    result = refuses(
        "append", "a.lplr", "strange.npy", code=4,
        says=["strange.npy", "do not fit", "relative error of", "at most", "-e", "Compress all"],
    )  # fmt: skip
    told = float(result.err.split("relative error of ")[1].split(",")[0])
    assert lplr("append", "a.lplr", "strange.npy", "-e", 2, "-o", "b.lplr").code == 0
    error = np.linalg.norm(decoded("b.lplr")[120:] - strange) / np.linalg.norm(strange)
    assert error == pytest.approx(told, rel=1e-3)


def test_what_is_no_rows(work, refuses):
    a = np.load("a.npy")
    for name, rows, words in (
        ("narrow", a[:, :79], ["narrow.npy", "120 x 79", "x 80", "a.lplr"]),
        ("wide", a.astype(np.float64), ["wide.npy", "float64", "float32", "astype"]),
        ("nan", np.where(a == a[3, 4], np.float32("nan"), a), ["nan.npy", "row 3, column 4"]),
        ("flat", a[0], ["flat.npy", "1-dimensional"]),
    ):
        np.save(f"{name}.npy", rows)
        refuses("append", "a.lplr", f"{name}.npy", says=words)
    refuses("append", "a.lplr", "none.npy", says=["none.npy", "No such file"])
    refuses("append", "a.lplr", "a.lplr", says=["a.lplr"])


def test_what_is_no_file_to_append_to(work, more, refuses):
    refuses("append", "none.lplr", "more.npy", says=["none.lplr", "No such file"])
    refuses("append", "a.npy", "more.npy", code=3, says=["a.npy", "not an .lplr file"])
    raw = bytearray((work / "a.lplr").read_bytes())
    with (work / "a.lplr").open("rb") as file, open_container(file, "a") as container:
        damaged = next(s for s in container.sections if s.tag == "RGHT")
    raw[damaged.offset] ^= 1
    (work / "bad.lplr").write_bytes(raw)
    refuses("append", "bad.lplr", "more.npy", code=3, says=["bad.lplr", "RGHT", "checksum"])


def test_wrong_usage(work, more, refuses):
    refuses("append", "a.lplr", code=2, says=["INPUT"])
    refuses("append", "-", "-", code=2, says=["both be standard input"])
    refuses("append", "a.lplr", "more.npy", "-o", "-", "--json", code=2, says=["--json"])
    for error in ("-1", "inf", "nan", "x"):
        refuses("append", "a.lplr", "more.npy", "-e", error, code=2, says=["--rel-error"])
    os.mkfifo("pipe")
    refuses("append", "pipe", "more.npy", code=2, says=["pipe", "-o"])
    (work / "pipe").unlink()


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), None])
def test_a_failure_in_the_last_moment(work, more, monkeypatch, call, error):
    before = (work / "a.lplr").read_bytes()

    def failing(*arguments, **options):
        raise error or KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing)
        if error is None:
            with pytest.raises(KeyboardInterrupt):
                lplrcli.append("a.lplr", more)
        else:
            refused(lplr("append", "a.lplr", "more.npy"), 1, "a.lplr", "No space left")
    assert (work / "a.lplr").read_bytes() == before
    assert lplr("append", "a.lplr", "more.npy").code == 0


def test_a_file_that_changes_meanwhile_is_left_alone(work, more, monkeypatch):
    from lplrcli.container import rewriter

    write = rewriter.rewrite_container

    def interfering(*arguments):
        (work / "b.lplr").write_bytes(b"of somebody else")
        return write(*arguments)

    (work / "b.lplr").write_bytes(b"as it was")
    monkeypatch.setattr(rewriter, "rewrite_container", interfering)
    result = lplr("append", "a.lplr", "more.npy", "-o", "b.lplr", "-f")
    refused(result, 1, "b.lplr", "changed by another program")
    assert (work / "b.lplr").read_bytes() == b"of somebody else"


def test_a_signal_leaves_the_file(work, more):
    before = (work / "a.lplr").read_bytes()
    process = start("append", "a.lplr", "-", cwd=work)
    wait_until(lambda: temporary_files(work), process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode in (-signal.SIGTERM, 143)
    assert (work / "a.lplr").read_bytes() == before
    assert not temporary_files(work)


# -- in Python


def test_the_report(work, more):
    report = lplrcli.append("a.lplr", work / "more.npy")
    new = decoded()[120:]
    error = np.linalg.norm(new - more) / np.linalg.norm(more)
    assert report.added.relative_frobenius_error == pytest.approx(error, rel=1e-4)
    assert report.added.max_abs_error == pytest.approx(np.abs(new - more).max(), rel=1e-4)
    with lplrcli.open("a.lplr") as c:
        assert report.whole == c.report
        assert c.size_report.file_bytes == report.file_bytes
    other = lplrcli.append("a.lplr", more, output=work / "b.lplr")
    assert other.rows == 35
    assert decoded().shape == (155, 80)
    assert decoded("b.lplr").shape == (190, 80)


def test_a_matrix_that_is_open_stays_what_it_was(work, more):
    with lplrcli.open("a.lplr") as c:
        before = c[...]
        lplrcli.append("a.lplr", more)
        assert c.shape == (120, 80)
        np.testing.assert_array_equal(c[...], before)


def test_an_error_above_what_was_asked_is_told(work):
    rng = np.random.default_rng(0)
    left, right = rng.standard_normal((300, 8)), rng.standard_normal((8, 60))
    a = (left @ right + 0.01 * rng.standard_normal((300, 60))).astype(np.float32)
    lplrcli.compress(a[:200], rel_error=0.05, mode="factors").save("e.lplr")
    np.save("new.npy", a[200:])
    result = lplr("append", "e.lplr", "new.npy", "--json")
    assert result.code == 0, result.err
    found = json.loads(result.text)
    assert (found["asked"], found["limit"]) == (0.05, pytest.approx(0.055))
    told = "more than the 0.05 that was asked; the file now says so" in result.err
    assert told == (found["relative_frobenius_error"] > 0.05)
    with lplrcli.open("e.lplr") as c:
        stated = c.factorization.plan.target.relative_error
    assert stated == max(0.05, found["relative_frobenius_error"])
