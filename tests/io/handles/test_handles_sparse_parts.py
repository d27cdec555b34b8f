"""Sparse matrices of several arrays, whatever these lie in."""

from __future__ import annotations

import numpy as np
import pytest

from lplrcli.errors import InputError, NotAMatrixError
from lplrcli.io.handles.sparse_parts import integers, sparse_handle
from lplrcli.io.handles.unfolding import ANY_ARRAY


class Parts:
    name = "a"
    advice = "Save it again."

    def __init__(self, **arrays):
        self.arrays = {name: np.asarray(array) for name, array in arrays.items()}

    def names(self):
        return self.arrays

    def name_of(self, part):
        return f"a/{part}"

    def described(self, part):
        return self.arrays[part].shape, self.arrays[part].dtype

    def array(self, part):
        return self.arrays[part]


CSR = {"data": [1.0, 2.0, 3.0], "indices": [0, 3, 1], "indptr": [0, 2, 2, 3]}


def test_rows_are_those_of_the_arrays():
    handle = sparse_handle(Parts(**CSR), "csr", (3, 4), ANY_ARRAY)
    rows = handle[0:3]
    assert (rows.shape, list(rows.indptr), list(rows.indices)) == ((3, 4), [0, 2, 2, 3], [0, 3, 1])


@pytest.mark.parametrize(
    "change, fault",
    [
        ({"indices": [0, 4, 1]}, "a/indices: the sparse matrix is damaged: 0 to 4 lie outside"),
        ({"indptr": [0, 3, 2, 3]}, "indptr decreases\nSave it again"),
        ({"data": [1.0]}, "indptr does not fit"),
        ({"data": [[1.0]]}, "2 dimensions in place of 1"),
    ],
)
def test_damage_names_the_array_and_the_advice(change, fault):
    with pytest.raises(InputError, match=fault):
        sparse_handle(Parts(**{**CSR, **change}), "csr", (3, 4), ANY_ARRAY)


def test_what_is_missing_is_named():
    with pytest.raises(InputError, match="data is missing; there are indices, indptr"):
        sparse_handle(Parts(indices=CSR["indices"], indptr=CSR["indptr"]), "csr", (3, 4), ANY_ARRAY)
    with pytest.raises(InputError, match="indptr is missing"):
        integers(Parts(), "indptr", 1)
    with pytest.raises(InputError, match="'lil', expected csr, csc"):
        sparse_handle(Parts(**CSR), "lil", (3, 4), ANY_ARRAY)
    with pytest.raises(NotAMatrixError, match="empty"):
        sparse_handle(Parts(**CSR), "csr", (0, 4), ANY_ARRAY)
