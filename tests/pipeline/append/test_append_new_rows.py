"""New rows on their way into a file."""

from __future__ import annotations

import numpy as np
import pytest
from lplr_samples import factorization

from lplrcli.io import open_array
from lplrcli.linalg.passes import Passes
from lplrcli.pipeline.append.new_rows import Extension, _slabs
from lplrcli.pipeline.decode.factors import decode_factor
from lplrcli.pipeline.decode.reconstruction import Reconstruction


def test_slabs_are_cut_from_blocks():
    rows = np.arange(20).reshape(10, 2)
    blocks = [rows[:3], rows[3:4], rows[4:10]]
    found = list(_slabs(iter(blocks), [1, 4, 8, 10]))
    assert [(number, start) for number, start, _ in found] == [(0, 0), (1, 1), (2, 4), (3, 8)]
    np.testing.assert_array_equal(np.concatenate([part for *_, part in found]), rows)
    assert [len(part) for *_, part in found] == [1, 3, 4, 2]


MODES = ["factors", "factors+residual", "direct"]


@pytest.mark.parametrize("means", [(), ("row", "column")])
@pytest.mark.parametrize("mode", MODES)
def test_two_passes_code_the_rows_and_tell_their_error(mode, means):
    old = factorization((24, 7), (6, 6, 6), mode, "normal", "float64", means)
    rows = np.random.default_rng(0).standard_normal((37, 7))
    passes = Passes(open_array(rows))
    extension = Extension(passes, old, 1, thrift=1.0)
    report, norm = extension.code()
    assert passes.count == report.passes == 2
    grown = extension.grown
    assert (grown.shape, grown.array_shape) == ((61, 7), (61, 7))
    decoded = np.concatenate(list(Reconstruction(grown).blocks()))[24:]
    assert norm == pytest.approx(np.linalg.norm(rows - decoded))
    assert report.relative_frobenius_error == pytest.approx(norm / np.linalg.norm(rows))
    assert report.max_abs_error == pytest.approx(np.abs(rows - decoded).max())


def test_rows_are_projected_on_the_right_factor_of_the_file():
    old = factorization((24, 7), (8, 8, 8), quantizer="normal", dtype="float64")
    right = decode_factor(old.right, np.dtype(np.float64))
    rows = np.random.default_rng(0).standard_normal((9, 7))
    extension = Extension(Passes(open_array(rows)), old, 1, thrift=1.0)
    extension.code()
    fitted = np.linalg.lstsq(right.T, rows.T)[0]
    left = decode_factor(extension.grown.left, np.dtype(np.float64))[:, 24:]
    scale = np.abs(fitted).max()
    # As near as levels of eight bits are, where they reach as far.
    inside = np.abs(fitted) < 2
    assert np.abs(left - fitted)[inside].max() < 0.1 * max(scale, 1)
    assert extension.grown.right is old.right
