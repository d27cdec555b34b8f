"""What `lplr inspect` prints: every number of the document, one matrix in full or a line each."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from lplrcli.cli.inspect_text import print_one, print_table
from lplrcli.model.plan import CompressionPlan, Target

FACTOR = {
    "length": 120,
    "components": 12,
    "grid": [120],
    "quantizer": "trellis",
    "coding": "rans",
}
PLAN = CompressionPlan(
    Target("rate-distortion", None, None, None, size=4096),
    "factors",
    "gram",
    None,
    None,
    None,
    7,
    predictions={"factors": 0.0125, "direct": 0.5},
)


def matrix(**changes):
    return {
        "name": "u",
        "shape": [120, 80],
        "matrix_shape": [120, 80],
        "dtype": "float32",
        "method": "rate-distortion",
        "mode": "factors",
        "rank": 12,
        "bits_per_factor_entry": 3.14159,
        "bytes": 4000,
        "bits_per_coordinate": 3.33333,
        "compression_ratio": 9.6,
        "relative_frobenius_error": 0.0123456,
        "max_abs_error": None,
        "exact": False,
        "passes": 2,
        "bound": None,
        "section_bytes": {"META": 300, "LEFT": 3000},
        "factors": {"left": FACTOR, "mean_row": {**FACTOR, "components": 1, "grid": [12, 10]}},
        "plan": asdict(PLAN),
        "source": {"format": "npy"},
        "tool": "lplr 1.0",
        **changes,
    }


def document(*matrices, path="a.lplr"):
    return {
        "path": path,
        "format_version": "1.0",
        "header_bytes": 32,
        "section_bytes": {"INDX": 192, "LEND": 76},
        "matrices": list(matrices),
    }


def listing(capsys, *arguments):
    print_one(*arguments)
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "None" not in shown.out
    pairs = [line.split("  ", 1) for line in shown.out.splitlines()]
    assert len({label for label, _ in pairs}) == len(pairs)
    return {label: text.strip() for label, text in pairs}


def test_one_matrix_is_told_in_full(capsys):
    assert listing(capsys, document(matrix()), False) == {
        "file": "a.lplr (format 1.0)",
        "name": "u",
        "shape": "120 x 80 float32",
        "method": "rate-distortion (factors)",
        "rank": "12",
        "bits per factor entry": "3.142",
        "size": "4000 bytes (3.91 KiB)",
        "bits per coordinate": "3.333",
        "compression ratio": "9.6",
        "relative error, stored": "~0.01235",
        "largest error, stored": "-",
        "left factor": "120 x 12, trellis quantizer, rans coding",
        "mean row": "120 x 1 on a grid 12 x 10, trellis quantizer, rans coding",
        "section META": "300 bytes",
        "section LEFT": "3000 bytes",
        "section INDX": "192 bytes",
        "section LEND": "76 bytes",
        "file header": "32 bytes",
    }


def test_what_is_not_there_has_no_line(capsys):
    shown = listing(capsys, document(matrix(name=None, factors={})), False)
    assert not {"name", "left factor", "relative error, measured"} & set(shown)


def test_a_measured_error_stands_below_the_one_stored(capsys):
    measured = {"relative_frobenius_error": 0.5, "max_abs_error": 2.0, "exact": True}
    shown = listing(capsys, document(matrix(measured=measured)), False)
    assert shown["relative error, stored"] == "~0.01235"
    assert shown["relative error, measured"] == "0.5"
    assert shown["largest error, measured"] == "2"


def test_decisions_are_told_if_asked(capsys):
    plain = listing(capsys, document(matrix()), False)
    shown = listing(capsys, document(matrix()), True)
    more = {label: text for label, text in shown.items() if label not in plain}
    assert plain.items() <= shown.items()
    assert more["target"].startswith("at most 4096 bytes")
    assert (more["mode"], more["basis"], more["seed"]) == ("factors", "gram", "7")
    assert (more["passes"], more["source format"], more["tool"]) == ("2", "npy", "lplr 1.0")
    assert any("factors 0.0125 (chosen)" in text for text in more.values())
    assert not {"bound", "estimator", "sketch", "predictions"} & set(more)


@pytest.mark.parametrize("measured", [False, True])
def test_several_matrices_are_a_line_each_under_their_heads(capsys, measured):
    other = matrix(dtype="int8", bytes=7, rank=3, max_abs_error=0.25, exact=True)
    if measured:
        other["measured"] = {
            "relative_frobenius_error": 0.5, "max_abs_error": 2.0, "exact": True,
        }  # fmt: skip
    print_table([document(matrix()), document(matrix(), other, path="b.lplr")])
    heads, *lines = capsys.readouterr().out.splitlines()
    assert heads.split() == [
        "file", "shape", "method", "rank", "bytes", "bits/coord.", "ratio", "error", "largest",
    ]  # fmt: skip
    assert [line.split()[0] for line in lines] == ["a.lplr", "b.lplr[0]", "b.lplr[1]"]
    error, largest = ("0.5", "2") if measured else ("0.01235", "0.25")
    assert lines[2].split()[-7:] == ["rate-distortion", "3", "7", "3.333", "9.6", error, largest]
    assert lines[0].split()[-2:] == ["~0.01235", "-"]
    assert len({line.rindex(line.split()[-5]) + len(line.split()[-5]) for line in lines}) == 1
