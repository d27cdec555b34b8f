"""What is lost of a matrix, against a mask of all its entries."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lplrcli.model.losses import Losses, Rectangle, merged, rectangles_of

shapes = st.tuples(st.integers(1, 7), st.integers(1, 6))


def spans(extent):
    return st.tuples(st.integers(0, extent - 1), st.integers(1, extent)).map(
        lambda ends: (min(ends[0], ends[1] - 1), max(ends[0] + 1, ends[1]))
    )


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_losses_are_those_given(data):
    n, d = shape = data.draw(shapes)
    rows, columns = (
        data.draw(st.lists(spans(n), max_size=3)),
        data.draw(st.lists(spans(d), max_size=3)),
    )
    runs = data.draw(st.lists(spans(n * d), max_size=3))
    mask = np.zeros(shape, bool)
    for start, stop in rows:
        mask[start:stop] = True
    for start, stop in columns:
        mask[:, start:stop] = True
    for start, stop in merged(runs):
        mask.reshape(-1)[start:stop] = True
    parts = [part for run in merged(runs) for part in rectangles_of(run, d)]
    given_parts = [Rectangle(span, (0, d)) for span in rows]
    given_parts += [Rectangle((0, n), span) for span in columns]
    losses = Losses.of(shape, given_parts + parts)
    found = np.zeros(shape, bool)
    for each in losses.rectangles:
        found[slice(*each.rows), slice(*each.columns)] = True
    assert (found == mask).all()
    assert losses.entries == mask.sum()
    assert losses.everything == mask.all()
    for runs in (losses.rows, losses.columns):
        flat = [end for run in runs for end in run]
        assert flat == sorted(set(flat))


def test_runs_of_entries():
    assert rectangles_of((3, 5), 10) == [Rectangle((0, 1), (3, 5))]
    assert rectangles_of((10, 30), 10) == [Rectangle((1, 3), (0, 10))]
    assert rectangles_of((7, 32), 10) == [
        Rectangle((0, 1), (7, 10)),
        Rectangle((1, 3), (0, 10)),
        Rectangle((3, 4), (0, 2)),
    ]
