"""Factors with further entries: in whatever parts they come, the same comes of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from growing import grown, values
from lplr_samples import factorization

from lplrcli.pipeline.decode.factors import decode_factor


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
