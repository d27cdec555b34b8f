"""The line that `lplr compress` ends with, and what ``--verbose`` tells: every number given."""

from __future__ import annotations

import struct
from dataclasses import asdict, replace

import pytest
from lplr_samples import factorization, with_basis

from lplrcli.cli.compress_text import print_decisions, summary_line
from lplrcli.model.plan import Target

ASKED = asdict(Target("packed", 12, 6, 6))
RESULT = {
    "input": "a.npy",
    "output": "a.lplr",
    "shape": [120, 4, 20],
    "matrix_shape": [120, 80],
    "dtype": "float32",
    "plan": {"target": ASKED},
    "mode": "factors",
    "rank": 11,
    "relative_frobenius_error": 0.0123456,
    "max_abs_error": 0.75,
    "exact": True,
    "bits_per_coordinate": 1.23456,
    "file_bytes": 3 * 1024,
    "compression_ratio": 25.54321,
    "seconds": 2.0,
}


def decisions(f, capsys):
    print_decisions(f, {"plan": asdict(f.plan)})
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "None" not in shown.err
    lines = shown.err.splitlines()
    assert all(line.startswith("  ") for line in lines)
    return [line.removeprefix("  ") for line in lines]


def test_the_summary_tells_what_came_to_what():
    assert summary_line(RESULT, 8 << 20) == (
        "a.npy -> a.lplr: 120 x 4 x 20 as 120 x 80 float32, rank 11, error 0.01235, "
        "1.235 bits/coordinate, 3 KiB, ratio 25.54, 2.00 s, 4.19 MB/s"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"exact": False}, ["error ~0.01235"]),
        ({"relative_frobenius_error": None}, ["error -"]),
        ({"matrix_shape": [120, 4, 20]}, ["120 x 4 x 20 float32"]),
        ({"mode": "direct", "rank": 0}, ["mode direct"]),
        (
            {"plan": {"target": {**ASKED, "max_abs_error": 1.0}}},
            ["largest 0.75 (target 1)"],
        ),
        (
            {"plan": {"target": {**ASKED, "relative_error": 0.02}}},
            ["error 0.01235 (target 0.02)"],
        ),
    ],
)
def test_the_summary_follows_what_was_asked_and_found(change, words):
    text = summary_line(RESULT | change, 1 << 20)
    assert text != summary_line(RESULT, 1 << 20)
    for word in words:
        assert word in text


def test_every_factor_is_told_with_its_quantizer(capsys):
    f = factorization(mode="factors+residual", means=("row", "column"))
    lines = decisions(f, capsys)
    assert lines[0].startswith("asked: ") and "rank at most 2" in lines[0]
    assert lines[1] == "mode factors+residual, method packed, 4 passes over the data, 0 B read"
    for line in (
        "left factor 19 x 2, bits per component: 3 1",
        "right factor 10 x 2, bits per component: 3 1",
        "residual 190 x 1, bits per entry: 2",
        "mean row 10 x 1, bits per component: 3",
        "mean column 19 x 1, bits per component: 3",
    ):
        assert line in lines


def test_factors_of_a_step_are_told_with_it(capsys):
    f = with_basis()
    (left,) = [line for line in decisions(f, capsys) if line.startswith("left")]
    assert left.startswith("left factor 30 x 3, 4 vectors of its grid, trellis quantizer")
    step = float(left.split("step ")[1].split(",")[0])
    assert step == pytest.approx(struct.unpack_from("<d", f.left.quantizer_parameters)[0], rel=1e-3)
    assert left.endswith(f"coding {f.left.coding}")


def test_what_was_read_and_what_bounds_the_error_are_told(capsys):
    f = factorization()
    known = replace(f, report=replace(f.report, passes=1, bytes_read=2048, bound=0.123456))
    lines = decisions(known, capsys)
    assert lines[1].endswith("1 pass over the data, 2 KiB read")
    assert lines[-1] == "expected error before quantization at most 0.1235 (Theorem 3.2)"
    assert not any("Theorem" in line for line in decisions(f, capsys))
