"""``c.size`` is a number, as NumPy has it; the report that it was is deprecated there."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import lplrcli


@pytest.fixture(scope="module")
def made():
    a = np.random.default_rng(0).standard_normal((30, 4, 5))
    return lplrcli.compress(a, rel_error=0.1)


def test_numpy_takes_it_for_a_number(made):
    assert made.size == np.size(made) == 600
    assert isinstance(made.size, int)
    assert np.zeros(made.size).shape == (600,)
    for again in (copy.copy(made.size), pickle.loads(pickle.dumps(made.size))):
        assert again == 600


@pytest.mark.parametrize("name", ["file_bytes", "bits_per_coordinate", "compression_ratio"])
def test_the_report_is_still_there_with_a_warning(made, name):
    with pytest.warns(DeprecationWarning, match=f"take size_report.{name}") as seen:
        found = getattr(made.size, name)
    assert found == getattr(made.size_report, name)
    assert seen[0].filename == __file__
