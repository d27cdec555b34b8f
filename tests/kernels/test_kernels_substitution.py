"""Codes that tables do not know, replaced by the nearest that they do."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rans_samples import random_codes, tables_for

from lplrcli.coding.entropy_model import EntropyModel
from lplrcli.kernels.substitution import substituted_codes

FEW = [[40, 30, 30], [40, 0, 20, 0, 0, 30, 30], [0, 0, 30, 30, 10]]
"""Weights of tables that know a few small codes."""


def substituted(values, units, tables, components, reach, codes):
    model = EntropyModel.from_bytes(tables, components)
    found = codes.astype(np.int32)
    added = substituted_codes(
        *(values, 1 / units, model.table_numbers, model.frequencies),
        *(model.unions, model.context, reach, found),
    )
    return added, found


@pytest.mark.parametrize("machine", [0, 3, 5])
@pytest.mark.parametrize("context", [0, 1])
@given(seed=st.integers(0, 2**32 - 1), before=st.integers(0, 4), reach=st.integers(0, 3))
@settings(deadline=None, max_examples=12)
def test_against_the_naive_twin(machine, context, seed, before, reach):
    generator = np.random.default_rng(seed)
    components, rows = int(generator.integers(1, 6)), before + int(generator.integers(1, 6))
    tables = tables_for(components, machine, context, weights=FEW, seed=seed)
    codes = random_codes(tables, components, rows, most=2, seed=seed)
    units = generator.uniform(0.5, 2, components)
    values = units[:, None] * (codes + generator.uniform(-1, 1, codes.shape))[:, before:]
    values = np.ascontiguousarray(values)
    added, found = substituted(values, units, tables, components, reach, codes)
    expected = naive.substituted_codes(values, units, tables, reach, codes)
    if expected is None:
        assert added == np.inf
        return
    np.testing.assert_array_equal(found, expected)
    weights = (units**2)[:, None]
    errors = [
        (weights * (values / units[:, None] - part[:, before:]) ** 2).sum()
        for part in (codes, expected)
    ]
    assert added == pytest.approx(errors[1] - errors[0], abs=1e-9)


def test_known_codes_stay():
    tables = tables_for(2, 3, 1)
    codes = random_codes(tables, 2, 9, most=5)
    added, found = substituted(codes.astype(float), np.ones(2), tables, 2, 0, codes)
    assert added == 0
    np.testing.assert_array_equal(found, codes)
