"""Factors with further entries: in whatever parts they come, the same comes of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from growing import grown, values
from lplr_samples import factorization

from lplrcli.pipeline.append.factor_growth import extended, growth_of
from lplrcli.pipeline.append.fixed_width_growth import FixedWidthGrowth
from lplrcli.pipeline.append.rans_growth import RansGrowth
from lplrcli.pipeline.decode.factors import decode_factor
from lplrcli.pipeline.encode.coded_coefficients import CodedCoefficients


@pytest.mark.parametrize("quantizer", ["uniform", "normal", "deadzone"])
@pytest.mark.parametrize("mode", ["factors", "factors+residual", "direct"])
@pytest.mark.parametrize("count", [4, 5, 8, 9])
def test_in_two_steps_as_in_one(quantizer, mode, count):
    """With a scalar quantizer, across the ends of chunks and up to them: 12 + 4 are two chunks."""
    old = factorization((12, 5), (3, 3), mode, quantizer, means=("row", "column"))
    rows = np.random.default_rng(2).standard_normal((2 * count, 5)).astype(np.float32)
    once = grown(old, rows).factorization
    twice = grown(grown(old, rows[:count]).factorization, rows[count:]).factorization
    if quantizer == "deadzone":  # prices of integers depend on codes counted: without them
        once, twice = (
            _plainly(old, [rows]),
            _plainly(old, [rows[:count], rows[count:]]),
        )
    np.testing.assert_array_equal(values(once), values(twice))
    for name, part in once.parts.items():
        kind = np.dtype(np.float64)
        np.testing.assert_array_equal(
            decode_factor(part, kind), decode_factor(twice.parts[name], kind)
        )


def _plainly(old, batches):
    side = {
        name: replace(
            part,
            quantizer_parameters=part.quantizer_parameters[:8]
            + bytes(3)
            + part.quantizer_parameters[11:],
        )
        for name, part in old.parts.items()
    }
    old = replace(old, **side)
    for rows in batches:
        old = grown(old, rows).factorization
    return old


@pytest.mark.parametrize("quantizer", ["uniform", "normal", "deadzone", "trellis"])
def test_what_is_told_of_new_entries_is_what_they_decode_to(quantizer):
    factor = factorization((40, 7), (3, 3), quantizer=quantizer).left
    values = np.random.default_rng(0).standard_normal((2, 33))
    kind = FixedWidthGrowth if quantizer in ("uniform", "normal") else RansGrowth
    assert type(growth_of("left", factor, 33, 1.0)) is kind
    one, many = (extended("left", factor, values, 1.0, threads) for threads in (1, 3))
    grown, told = one
    assert grown.length == 73
    assert list(grown.chunks) == list(many[0].chunks)
    np.testing.assert_array_equal(told, many[1])
    decoded = decode_factor(grown, np.dtype(np.float64))
    np.testing.assert_array_equal(decoded[:, 40:], told)
    np.testing.assert_array_equal(decoded[:, :40], decode_factor(factor, np.dtype(np.float64)))


def test_no_components_are_longer_and_no_more():
    factor = CodedCoefficients.empty(40).factor(1, 40)
    grown, told = extended("left", factor, np.empty((0, 9)), 1.0, 1)
    assert (grown.length, grown.components, told.shape) == (49, 0, (0, 9))
