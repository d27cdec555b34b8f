"""Rows appended to a file, and everything that is promised of what comes of it."""

from __future__ import annotations

import math

import naive
import numpy as np
import pytest

from lplrcli.io import open_array
from lplrcli.pipeline.append.append import append
from lplrcli.pipeline.decode.factors import decode_factor
from lplrcli.pipeline.decode.reconstruction import Reconstruction

ANY_ERROR = 1e9


def grown(old, rows, **options):
    options.setdefault("rel_error", ANY_ERROR)
    with open_array(rows, threads=1) as source:
        return append(source, old, threads=1, **options)


def values(f):
    return np.concatenate(list(Reconstruction(f).blocks())).reshape(f.array_shape)


def check(old, rows, done):
    """Everything that is promised of an appended matrix, whatever it holds."""
    new, count = done.factorization, old.shape[0]
    for name, part in old.parts.items():
        kind = np.dtype(np.float64)
        again = decode_factor(new.parts[name], kind, 0, part.length)
        np.testing.assert_array_equal(again, decode_factor(part, kind), err_msg=name)
    for name in ("right", "mean_row", "right_basis"):
        assert old.parts.get(name) is new.parts.get(name)
    assert new.array_shape == (old.array_shape[0] + len(rows), *old.array_shape[1:])
    # The product of a row is summed in an order that depends on where the row lies in a block.
    decoded, before = values(new).astype(float), values(old).astype(float)
    scale = np.abs(before).max(initial=1e-300)
    np.testing.assert_allclose(decoded[: len(before)], before, rtol=0, atol=1e-5 * scale)
    reached = naive.relative_error(rows, decoded[len(before) :])
    if np.any(rows):
        assert done.added.relative_frobenius_error == pytest.approx(reached, rel=1e-4, abs=1e-9)
    assert done.added.max_abs_error == pytest.approx(
        np.abs(rows.astype(float) - decoded[len(before) :]).max(), rel=1e-4, abs=1e-6 * scale
    )
    error = old.report.relative_frobenius_error * old.report.source_norm
    added = np.linalg.norm(rows.astype(float) - decoded[len(before) :])
    norm = math.hypot(old.report.source_norm, np.linalg.norm(rows.astype(float)))
    assert new.report.source_norm == pytest.approx(norm)
    whole = math.hypot(error, added) / norm if norm else 0.0
    assert new.report.relative_frobenius_error == pytest.approx(whole, rel=1e-4, abs=1e-9)
    assert done.rows == new.shape[0] - count
    return decoded
