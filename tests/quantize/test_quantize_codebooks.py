"""The normal codebooks, against the normal distribution itself."""

from __future__ import annotations

import importlib.util
import json
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import norm

from lplrcli.planning.bit_allocation import DISTORTION
from lplrcli.quantize.codebooks import normal_codebook, normal_levels
from lplrcli.runtime.format_files import format_folder

DEFINITION = json.loads((format_folder() / "normal_codebooks.json").read_text())
UNIT = 2.0 ** DEFINITION["unit_log2"]


@pytest.mark.parametrize("bits", range(1, 9))
def test_levels_are_centroids_of_the_cells_between_midpoints(bits):
    # Lloyd's two conditions; to half a unit of 2**-20, and what that moves the midpoints by.
    levels = normal_levels(bits).astype(np.float64)
    edges = np.concatenate([[-np.inf], (levels[1:] + levels[:-1]) / 2, [np.inf]])
    # By symmetry the lower half; there cdf keeps its digits.
    half = len(levels) // 2
    edges = edges[: half + 1]
    centroids = -np.diff(norm.pdf(edges)) / np.diff(norm.cdf(edges))
    np.testing.assert_allclose(levels[:half], centroids, atol=1.5 * UNIT)


@pytest.mark.parametrize("bits", range(1, 17))
def test_thresholds_are_midpoints_of_ascending_symmetric_levels(bits):
    book = normal_codebook(bits)
    levels = book.levels.astype(np.float64)
    assert len(levels) == 2**bits
    assert np.all(np.diff(levels) > 0)
    np.testing.assert_array_equal(levels, -levels[::-1])
    middle = (levels[1:] + levels[:-1]) / 2
    np.testing.assert_array_equal(book.thresholds, middle.astype(np.float32))
    assert np.abs(levels).max() <= book.reach


@pytest.mark.parametrize("bits", [1, 2, 8, 9, 12, 16])
def test_levels_are_those_of_the_specification(bits):
    # SPEC.md, quantizer `normal`, in exact arithmetic.
    unit = Fraction(2) ** DEFINITION["unit_log2"]
    if bits <= 8:
        half = DEFINITION["lloyd_max"][str(bits)]
        exact = [unit * v for v in [*(-v for v in reversed(half)), *half]]
    else:
        bounds = DEFINITION["compander"]
        exact = []
        for q in range(2**bits):
            k, j = q >> (bits - 8), q & (2 ** (bits - 8) - 1)
            level = bounds[k] * 2 ** (bits - 7) + (bounds[k + 1] - bounds[k]) * (2 * j + 1)
            exact.append(level * unit / 2 ** (bits - 7))
    # float64 holds them all; a level rounded before it is scaled would be rounded twice.
    assert [Fraction(v) for v in normal_levels(bits).tolist()] == exact


@pytest.mark.parametrize("bits", range(17))
def test_distortion_table_is_the_error_on_a_normal_variable(bits):
    # Gauss-Legendre on every cell: differences of cdf would cancel at 16 bits.
    levels = normal_levels(bits).astype(np.float64) if bits else np.zeros(1)
    inner = (levels[1:] + levels[:-1]) / 2
    tails = np.linspace(inner[-1] if bits else 0, 12, 200)
    low = np.concatenate([-tails[:0:-1], inner[:-1], tails[:-1]])
    high = np.concatenate([-tails[-2::-1], inner[1:], tails[1:]])
    if not bits:
        low, high = tails[:-1], tails[1:]
    nodes, weights = np.polynomial.legendre.leggauss(8)
    x = (low + high)[:, None] / 2 + (high - low)[:, None] / 2 * nodes
    error = (x - levels[np.searchsorted(inner, x)]) ** 2 * norm.pdf(x)
    total = float(np.sum(error * weights * (high - low)[:, None] / 2)) * (1 if bits else 2)
    assert pytest.approx(total, rel=2e-5) == DISTORTION[bits]


def test_the_json_file_is_what_its_script_makes():
    path = format_folder() / "make_codebooks.py"
    spec = importlib.util.spec_from_file_location("make_codebooks", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = module.codebooks()
    assert made["unit_log2"] == DEFINITION["unit_log2"]
    assert made["lloyd_max"].keys() == DEFINITION["lloyd_max"].keys()
    # The last digit may depend on the machine's logarithm; the file is what counts.
    np.testing.assert_allclose(made["compander"], DEFINITION["compander"], rtol=0, atol=1)
    for bits, half in made["lloyd_max"].items():
        np.testing.assert_allclose(half, DEFINITION["lloyd_max"][bits], rtol=0, atol=1)
