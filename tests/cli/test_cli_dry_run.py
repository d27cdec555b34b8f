"""What a compression would give: of a size it is predicted, of a rank it is carried out."""

from __future__ import annotations

import io

import matrices
import numpy as np
import pytest

from lplrcli.cli.dry_run import predicted, show_predicted
from lplrcli.container.writer import write_container
from lplrcli.io import open_array
from lplrcli.model.request import CompressionRequest
from lplrcli.pipeline.compress import compress

A = matrices.exponential(90, 60)


def foretold(**options):
    with open_array(A) as source:
        return predicted(source, 1, "a.npy", CompressionRequest(**options), None)


def test_a_rank_is_carried_out_and_measured():
    found = foretold(rank=6, bits=3)
    with open_array(A) as source:
        done = compress(source, CompressionRequest(rank=6, bits=3), threads=1)
    stream = io.BytesIO()
    size = write_container(stream, [done], names=["a.npy"])
    assert found["exact"]
    assert found["file_bytes"] == size
    assert found["relative_frobenius_error"] == done.report.relative_frobenius_error
    assert found["compression_ratio"] == pytest.approx(A.nbytes / size)
    assert found["bits_per_coordinate"] == pytest.approx(8 * size / A.size)
    assert found["modes"] == [{name: found[name] for name in found["modes"][0]}]


def test_an_error_is_predicted_for_every_mode_the_chosen_one_first(few_states):
    found = foretold(rel_error=0.05)
    assert not found["exact"]
    assert found["mode"] == found["modes"][0]["mode"]
    assert len({mode["mode"] for mode in found["modes"]}) == len(found["modes"]) > 1
    assert found["file_bytes"] == min(mode["file_bytes"] for mode in found["modes"])
    assert found["target"]["relative_error"] == 0.05
    assert (found["shape"], found["matrix_shape"]) == ([90, 60], [90, 60])
    with open_array(A) as source:
        done = compress(source, CompressionRequest(rel_error=0.05), threads=1)
    size = write_container(io.BytesIO(), [done], names=["a.npy"])
    assert size == pytest.approx(found["file_bytes"], rel=0.25)


@pytest.mark.parametrize("exact", [True, False])
def test_the_table_marks_what_is_only_predicted(exact, capsys):
    mode = {
        "mode": "factors", "rank": 7, "file_bytes": 1234, "bits_per_coordinate": 1.5,
        "compression_ratio": 20.0, "relative_frobenius_error": 0.0123,
    }  # fmt: skip
    document = {
        "input": "a.npy", "output": "a.lplr", "shape": [90, 60], "matrix_shape": [90, 60],
        "dtype": "float32", "exact": exact, "modes": [mode, {**mode, "mode": "direct", "rank": 0}],
        "target": {"method": "rate-distortion", "size": 1300},
    }  # fmt: skip
    show_predicted(document, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if line.startswith("factors")).split()
    mark = "" if exact else "~"
    assert row == ["factors", f"{mark}7", f"{mark}1234", "1.5", "20", f"{mark}0.0123", "chosen"]
    assert "1300 bytes" in lines[0]
    assert "a.lplr" in lines[-1]
    assert next(line for line in lines if line.startswith("direct")).split()[1] == "-"


def test_the_matrix_is_left_alone():
    before = A.copy()
    foretold(rank=3, bits=2)
    np.testing.assert_array_equal(A, before)
