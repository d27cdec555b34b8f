"""New rows on their way into a file."""

from __future__ import annotations

import numpy as np

from lplrcli.pipeline.append.new_rows import _slabs


def test_slabs_are_cut_from_blocks():
    rows = np.arange(20).reshape(10, 2)
    blocks = [rows[:3], rows[3:4], rows[4:10]]
    found = list(_slabs(iter(blocks), [1, 4, 8, 10]))
    assert [(number, start) for number, start, _ in found] == [(0, 0), (1, 1), (2, 4), (3, 8)]
    np.testing.assert_array_equal(np.concatenate([part for *_, part in found]), rows)
    assert [len(part) for *_, part in found] == [1, 3, 4, 2]
