"""Kept entries: rows, columns and types that are asked for, and chunks that are lost."""

from __future__ import annotations

import dataclasses
from unittest import mock

import numpy as np
import pytest
import scipy.sparse as sp
from lplr_samples import kept

import lplrcli
from lplrcli.errors import CorruptSectionError
from lplrcli.model.source import CsrRows
from lplrcli.pipeline.decode.kept_chunks import KeptRows, converted
from lplrcli.pipeline.decode.reconstruction import Reconstruction

ARRAY = np.random.default_rng(3).normal(size=(41, 13))
SPARSE = sp.random(61, 40, 0.1, random_state=4, format="csr")


@pytest.fixture(params=[ARRAY, SPARSE], ids=["dense", "sparse"])
def matrix(request):
    names = {"CHUNK_BYTES": 1500, "_CHUNK_ENTRIES": 64}
    with mock.patch.multiple("lplrcli.pipeline.encode.kept_chunks", **names):
        compressed = lplrcli.compress(request.param, rel_error=0)
    assert len(compressed.factorization.kept.chunks) > 2
    whole = request.param if isinstance(request.param, np.ndarray) else request.param.toarray()
    return compressed, whole


@pytest.mark.parametrize(
    "at",
    [np.s_[:], np.s_[7:30], np.s_[::9], np.s_[::-1, 3], np.s_[40], np.s_[5:5], np.s_[-3:, 2:7]],
)
def test_parts_are_those_of_the_whole(matrix, at):
    compressed, whole = matrix
    assert np.array_equal(compressed[at], whole[at])


def test_entries_in_another_type():
    values = np.array([np.nan, np.inf, -np.inf, 1e300, 1.5])
    found = converted(values, np.dtype(np.float32))
    assert np.array_equal(found[:3], values[:3].astype(np.float32), equal_nan=True)
    assert found[3:].tolist() == [np.finfo(np.float32).max, 1.5]
    large = np.array([2**63 - 1, -(2**63), 5])
    assert converted(large, np.dtype(np.uint64)).tolist() == [2**63 - 1, 0, 5]
    assert converted(large, np.dtype(np.int8)).tolist() == [127, -128, 5]
    assert converted(values[3:], np.dtype(np.int16)).tolist() == [32767, 2]


def test_a_chunk_of_a_sparse_matrix_is_sparse():
    rows = KeptRows(kept("sparse", step=0.5, dtype="float32"))
    chunk = rows.sparse_chunk(0)
    assert isinstance(chunk, CsrRows) and chunk.data.dtype == np.float32
    assert chunk.indices.tolist() == [0, 2, 1] and chunk.indptr.tolist() == [0, 2, 3]
    with pytest.raises(TypeError):
        KeptRows(kept()).sparse_chunk(0)


@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_a_chunk_that_is_lost_is_zero(form):
    made = kept(form)
    whole = np.concatenate(list(Reconstruction(made).blocks()))
    chunks = [b"", *made.kept.chunks[1:]]
    found = dataclasses.replace(made, kept=dataclasses.replace(made.kept, chunks=chunks))
    left = np.concatenate(list(Reconstruction(found).blocks()))
    assert not left[:2].any() and np.array_equal(left[2:], whole[2:])


def test_damage_names_the_section():
    made = kept()
    chunks = [made.kept.chunks[0][:-1], *made.kept.chunks[1:]]
    spoilt = dataclasses.replace(made, kept=dataclasses.replace(made.kept, chunks=chunks))
    with pytest.raises(CorruptSectionError, match="KEPT"):
        list(Reconstruction(spoilt).blocks())
