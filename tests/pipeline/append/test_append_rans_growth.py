"""Entropy-coded factors with further entries: chunks, trellis and tables go on as they were."""

from __future__ import annotations

from dataclasses import replace

import naive
import numpy as np
import pytest
from growing import check, grown
from lplr_samples import factorization
from rans_samples import random_codes, rans_factor, tables_for

from lplrcli.errors import (
    PlanError,
    TargetUnreachableError,
)
from lplrcli.pipeline.decode.factors import decode_factor


@pytest.mark.parametrize("machine", [3, 5, 8])
@pytest.mark.parametrize("context", [0, 1])
@pytest.mark.parametrize("weights", ["all", "few"])
def test_chunks_of_a_trellis_are_continued(machine, context, weights):
    """Six components: in two lanes the stored codes of a second one follow the new ones."""
    few = [[40, 36, 36, 30, 30], [40, 20, 20]]
    options = {"weights": few, "most": 1} if weights == "few" else {}
    left = rans_factor(40, 6, "trellis", 32, machine=machine, context=context, **options)
    old = replace(factorization((40, 7), (1,) * 6, quantizer="trellis"), left=left)
    rows = 3 * np.random.default_rng(machine).standard_normal((70, 7)).astype(np.float32)
    done = grown(old, rows)
    check(old, rows, done)
    new = done.factorization.left
    assert new.chunk_length == 32
    assert len(new.chunks) == 4
    # With tables that know all codes, whole chunks are the bytes that they were.
    kept = new.coding_parameters == left.coding_parameters
    assert kept or weights == "few"
    assert (new.chunks[0] == left.chunks[0]) is kept


def test_tables_are_fitted_again_where_they_do_not_know_a_code():
    tables = tables_for(1, weights=[[40, 30, 30]])
    left = rans_factor(16, 1, "deadzone", 8, weights=[[40, 30, 30]], most=1)
    assert left.coding_parameters == tables
    old = replace(factorization((16, 3), (1,), quantizer="deadzone"), left=left)
    row = decode_factor(old.right, np.dtype(np.float32)).reshape(1, -1)
    done = grown(old, (1000 * row).repeat(3, axis=0))
    check(old, (1000 * row).repeat(3, axis=0), done)
    assert done.added.relative_frobenius_error < 0.01
    assert done.factorization.left.coding_parameters != tables


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_rows_for_a_trellis(count):
    left = rans_factor(40, 6, "trellis", 32, machine=4)
    old = replace(factorization((40, 7), (1,) * 6, quantizer="trellis"), left=left)
    with pytest.raises(PlanError, match=f"left.*found {count} rows.*at least 4\nAppend 4"):
        grown(old, np.ones((count, 7), np.float32))
    full = rans_factor(62, 6, "trellis", 32, machine=4)
    old = replace(factorization((62, 7), (1,) * 6, quantizer="trellis"), left=full)
    with pytest.raises(PlanError, match=r"room for 2 rows.*at least 4\nCompress all rows again"):
        grown(old, np.ones((50, 7), np.float32))


def test_few_rows_of_a_trellis_are_refused_with_advice():
    left = rans_factor(30, 6, "trellis", 32)
    old = replace(factorization((30, 7), (1,) * 6, quantizer="trellis"), left=left)
    with pytest.raises(TargetUnreachableError, match="Append 64 rows or more at a time"):
        grown(old, np.eye(7, dtype=np.float32), rel_error=1e-6)


@pytest.mark.parametrize("machine", [3, 8])
@pytest.mark.parametrize("n", [31, 32])
def test_a_single_chunk_becomes_longer(machine, n):
    left = rans_factor(n, 6, "trellis", 32, machine=machine)
    old = replace(factorization((n, 7), (1,) * 6, quantizer="trellis"), left=left)
    for count in (8, 300):
        rows = np.random.default_rng(0).standard_normal((count, 7)).astype(np.float32)
        done = grown(old, rows)
        check(old, rows, done)
        assert len(done.factorization.left.chunks) == 1
    if n == 32:  # a row has a chunk of its own where the stored ones fill theirs
        done = grown(old, rows[:1])
        check(old, rows[:1], done)
        assert len(done.factorization.left.chunks) == 2


def test_random_codes_have_the_parity_of_the_machine():
    # What the samples above rest on.
    tables = tables_for(6, 3)
    states = naive.trellis_states(random_codes(tables, 6, 9), 3)
    assert len(states) == 6
