"""Matrices around strong means, and what NumPy makes of them."""

from __future__ import annotations

import numpy as np

ROWS, COLUMNS = 150, 70


CENTERS = ["mean-row", "mean-column", "both"]


MODES = ["factors", "factors+residual", "direct"]


def strong(rows=ROWS, columns=COLUMNS, dtype=np.float32, seed=0, noise=0.05):
    """Low rank and noise around a mean row, a mean column and a constant, all stronger."""
    g = np.random.default_rng(seed)
    a = g.standard_normal((rows, 5)) @ g.standard_normal((5, columns))
    a += noise * g.standard_normal((rows, columns))
    a += 7 + 6 * g.standard_normal(columns) + 4 * g.standard_normal((rows, 1))
    return a.astype(dtype)


def error(found, a):
    wide = np.asarray(a, np.float64)
    return np.linalg.norm(np.asarray(found, np.float64) - wide) / np.linalg.norm(wide)


def centered(a, center):
    """What the means leave of a matrix, and the means, by NumPy."""
    row = a.mean(axis=0) if center != "mean-column" else None
    rest = a - (0 if row is None else row)
    column = rest.mean(axis=1) if center != "mean-row" else None
    return rest - (0 if column is None else column[:, None]), row, column
