"""What all sources of a matrix have in common: they are closed, and say what they are like."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from foreign_samples import A

from lplrcli.io import open_array
from lplrcli.io.sources.base import Description


def test_a_description_is_that_of_the_matrix_and_travels():
    with open_array(A) as source:
        found = Description.of(source)
        for name in ("unfolding", "dtype", "sparse", "block_rows", "format"):
            assert getattr(found, name) == getattr(source, name)
    assert pickle.loads(pickle.dumps(found)) == found


def test_a_source_is_closed_with_its_block_whatever_happens():
    closed = []
    source = open_array(np.ones((3, 4)))
    close = source.close
    source.close = lambda: closed.append(close())
    with pytest.raises(KeyError), source:
        assert source.shape == (3, 4)
        raise KeyError
    assert len(closed) == 1
