"""Write a sparse test matrix: rows are documents, columns are words.

Usage: python benchmarks/sparse_matrix.py OUT.npz ROWS COLUMNS NONZEROS

Rows and columns follow power laws: some are long, most are short. Every row has one of 100 topics,
and each topic an order of the columns of its own; two thirds of the entries are drawn from the
order of the topic, the others from one common to all. Entries are 1 plus an exponential variate.
So about a hundred directions stand out from a long, flat tail. Randomness comes from Philox, a
counter-based generator: the matrix is the same everywhere.
"""

from __future__ import annotations

import sys

import numpy as np
import scipy.sparse as sp

TOPICS = 100
ROW_POWER, COLUMN_POWER = 1.5, 6
DRAWN = 1.2
"""Entries drawn at a time, as a multiple of those wanted: many places are drawn repeatedly."""


def matrix(rows: int, columns: int, nonzeros: int) -> sp.csr_array:
    """float32, in canonical form, with exactly so many nonzeros."""
    generator = np.random.Generator(np.random.Philox(7))
    shift = generator.permutation(columns)[:TOPICS]
    places = np.empty(0, np.int64)
    while len(places) < nonzeros:
        count = int(DRAWN * nonzeros)
        row = (rows * generator.random(count) ** ROW_POWER).astype(np.int64)
        order = (columns * generator.random(count) ** COLUMN_POWER).astype(np.int64)
        order += np.where(generator.random(count) < 2 / 3, shift[row % TOPICS], 0)
        places = np.union1d(places, row * columns + order % columns)
    # Every so many places, spread evenly over all.
    places = places[np.arange(nonzeros) * len(places) // nonzeros]
    values = 1 + generator.standard_exponential(nonzeros, np.float32)
    indptr = np.searchsorted(places, np.arange(rows + 1) * columns)
    parts = values, (places % columns).astype(np.int32), indptr.astype(np.int32)
    return sp.csr_array(parts, (rows, columns))


if __name__ == "__main__":
    path, *extents = sys.argv[1:]
    sp.save_npz(path, matrix(*map(int, extents)), compressed=False)
