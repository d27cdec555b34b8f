"""Means are added to whatever is decoded, and only what is needed of them is read."""

from __future__ import annotations

import dataclasses
import functools
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lplrcli
from lplrcli.model.selection import Selection
from lplrcli.pipeline.decode.array_part import Part
from lplrcli.pipeline.decode.reconstruction import Reconstruction
from lplrcli.pipeline.encode import factors

pytestmark = pytest.mark.usefixtures("few_states_throughout")


ROWS, COLUMNS = 150, 70
CENTERS = ["mean-row", "mean-column", "both"]
MODES = ["factors", "factors+residual", "direct"]


def strong(rows=ROWS, columns=COLUMNS):
    """Low rank and noise around a mean row, a mean column and a constant, all stronger."""
    g = np.random.default_rng(0)
    a = g.standard_normal((rows, 5)) @ g.standard_normal((5, columns))
    a += 0.05 * g.standard_normal((rows, columns))
    a += 7 + 6 * g.standard_normal(columns) + 4 * g.standard_normal((rows, 1))
    return a.astype(np.float32)


ANY = pytest.mark.parametrize(("center", "mode"), list(itertools.product(CENTERS, MODES)))


@functools.cache
def sample(center, mode):
    return lplrcli.compress(strong(), rel_error=0.02, center=center, mode=mode)


@ANY
def test_products_add_the_means(center, mode):
    c = sample(center, mode)
    a = np.asarray(c, np.float64)
    g = np.random.default_rng(1)
    for x in (g.standard_normal(COLUMNS), g.standard_normal((COLUMNS, 3))):
        np.testing.assert_allclose(c @ x, a @ x, rtol=1e-4, atol=1e-3)
    for x in (g.standard_normal(ROWS), g.standard_normal((3, ROWS))):
        np.testing.assert_allclose(x @ c, x @ a, rtol=1e-4, atol=1e-3)


@ANY
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_slices_are_parts_of_the_whole(center, mode, data):
    c = sample(center, mode)
    whole = np.asarray(c)
    index = tuple(
        data.draw(st.one_of(st.integers(-extent, extent - 1), st.slices(extent)))
        for extent in c.shape
    )
    np.testing.assert_allclose(c[index], whole[index], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("mode", MODES)
def test_a_slice_decodes_the_chunks_of_the_means_that_it_needs(mode, monkeypatch):
    monkeypatch.setattr(factors, "chunk_entries", lambda *_: 64)
    a = strong(600, 500)
    f = lplrcli.compress(
        a, rel_error=0.05, center="both", mode=mode, transform="none"
    ).factorization
    whole = np.concatenate(list(Reconstruction(f).blocks()))
    counted = {}
    for name in ("mean_row", "mean_column"):
        mean = getattr(f, name)
        assert len(mean.chunks) > 5
        counted[name] = Counted(mean.chunks)
        f = dataclasses.replace(f, **{name: dataclasses.replace(mean, chunks=counted[name])})
    for index in ((slice(130, 190), slice(70, 100)), (slice(130, 190, 7), slice(70, 100, 3))):
        part = Part(f, Selection.of(index, f.shape)).array()
        np.testing.assert_allclose(part, whole[index], rtol=1e-5, atol=1e-5)
    assert set(counted["mean_row"].asked) == {1}
    assert set(counted["mean_column"].asked) == {2}


class Counted:
    """Chunks that remember which were asked for."""

    def __init__(self, chunks):
        self.chunks, self.asked = chunks, []

    def __len__(self):
        return len(self.chunks)

    def __getitem__(self, number):
        self.asked.append(number)
        return self.chunks[number]


@ANY
def test_the_file_gives_back_the_same(center, mode, tmp_path):
    c = sample(center, mode)
    c.save(tmp_path / "a.lplr")
    with lplrcli.open(tmp_path / "a.lplr") as opened:
        assert np.array_equal(np.asarray(opened), np.asarray(c))
        for name in ("mean_row", "mean_column"):
            found, expected = getattr(opened, name), getattr(c, name)
            assert found is expected is None or np.array_equal(found, expected)
