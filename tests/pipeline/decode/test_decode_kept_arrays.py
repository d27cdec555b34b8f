"""Arrays kept under a bound."""

from __future__ import annotations

import numpy as np
import pytest

from lplrcli.pipeline.decode.kept_arrays import KeptArrays


def test_what_was_not_used_for_longest_goes_first():
    kept = KeptArrays(3 * 80)
    for number in range(3):
        kept.put(("left", number), np.full(10, number))
    assert kept.get(("left", 0)) is not None
    kept.put(("left", 3), np.full(10, 3))
    assert [kept.get(("left", n)) is not None for n in range(4)] == [True, False, True, True]
    assert kept.held == 240


def test_the_bound_holds_whatever_is_put():
    kept = KeptArrays(1000)
    rng = np.random.default_rng(0)
    for number in rng.integers(0, 9, 200).tolist():
        kept.put(("a", number), np.zeros(int(rng.integers(0, 180))))
        assert kept.held <= 1000
        assert kept.held == sum(
            found.nbytes for n in range(9) if (found := kept.get(("a", n))) is not None
        )
    kept.most = 100
    assert kept.held <= 100
    kept.put(("b", 0), np.zeros(13))  # too large ever to be kept
    assert kept.get(("b", 0)) is None


def test_without_displacing_only_free_room_is_taken():
    kept = KeptArrays(100)
    kept.put(("a", 0), np.zeros(8), displace=False)
    kept.put(("a", 1), np.zeros(8), displace=False)
    assert kept.get(("a", 0)) is not None
    assert kept.get(("a", 1)) is None


def test_forgetting_a_factor():
    kept = KeptArrays(1000)
    for key in (("a", 0), ("a", 1), ("b", 0)):
        kept.put(key, np.zeros(2))
    kept.forget("a", but=1)
    assert [kept.get(key) is None for key in (("a", 0), ("a", 1), ("b", 0))] == [True, False, False]
    assert kept.held == 32


def test_what_is_kept_cannot_be_changed():
    kept = KeptArrays(1000)
    kept.put(("a", 0), np.zeros(2))
    found = kept.get(("a", 0))
    assert found is not None
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 1
