"""Values of metadata that are allowed, and the arithmetic between them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lplr_samples import Draft, read_all
from metadata_drafts import (
    BASES,
    draft,
    put,
    refused,
)

from lplrcli.container.metadata_checks import MAX_ENTRIES, check_factors, check_shapes
from lplrcli.errors import CorruptSectionError

HUGE = 2**63


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("matrix.shape", [19, 11], "array.shape"),
        ("matrix.shape", [19, HUGE], "matrix.shape"),
        ("matrix.shape", [2**40, 2**40], "matrix.shape"),
        ("matrix.shape", [0, 10], "matrix.shape"),
        ("matrix.shape", [19], "matrix.shape"),
        ("matrix.unfold", 0, "array.shape"),
        ("matrix.unfold", 3, "matrix.unfold"),
        ("array.shape", [10, 19], "array.shape"),
        ("array.shape", [], "array.shape"),
        ("array.shape", [1] * 33, "array.shape"),
        ("array.dtype", "complex64", "array.dtype"),
        ("plan.mode", "factors", "plan.mode"),
        ("plan.mode", "direct", "plan.mode"),
        ("plan.exponent", 1101, "plan.exponent"),
        ("plan.seed", 2**64, "plan.seed"),
        ("plan.target.bits", 17, "plan.target.bits"),
        ("plan.target.method", "other", "plan.target.method"),
        ("plan.target.method", "rate-distortion", None),
        ("plan.target.bits", None, None),
        ("plan.target.bits_right", None, None),
        ("plan.target.size", 0, "plan.target.size"),
        ("plan.target.size", 1, None),
        ("plan.target.size", HUGE, "plan.target.size"),
        ("plan.target.size", None, "plan.target.size"),
        ("plan.target.relative_error", -0.1, "plan.target.relative_error"),
        ("plan.target.relative_error", 0, None),
        ("plan.target.max_abs_error", -0.1, "plan.target.max_abs_error"),
        ("plan.target.max_abs_error", 1e300, None),
        ("plan.target.mode", "direct", None),
        ("plan.target.mode", "other", "plan.target.mode"),
        ("plan.predictions", {}, None),
        ("plan.predictions", None, "plan.predictions"),
        ("plan.predictions.lossless", 8, None),
        ("plan.predictions.direct", -1, "plan.predictions.direct"),
        ("plan.predictions.other", 1, "plan.predictions.*other"),
        ("achieved.source_norm", 10**19, None),
        ("achieved.source_norm", -1e-9, "achieved.source_norm"),
        ("factors.left.length", 18, "factors.left.length"),
        ("factors.right.length", 11, "factors.right.length"),
        ("factors.residual.length", 191, "factors.residual.length"),
        ("factors.left.grid", [18], "factors.left.grid"),
        ("factors.left.grid", [2**32, 2**32, 19], "factors.left.grid"),
        ("factors.left.grid", [1, 19], None),
        ("factors.left.chunk_length", 4, "factors.left.chunk_length"),
        ("factors.left.chunk_length", 12, "factors.left.chunk_length"),
        ("factors.left.chunk_length", 2**62 + 1, "factors.left.chunk_length"),
        ("factors.left.chunk_length", 24, "LEFT.*number of chunks"),
        ("factors.left.components", 3, "factors.left.table_length"),
        ("factors.left.components", 2**31, "factors.left.components"),
        ("factors.left.table_length", 5, "factors.left.table_length"),
        ("factors.left.quantizer", "uniform", "factors.left.table_length"),
        ("factors.left.quantizer", "trellis", "factors.left.quantizer"),
        ("factors.left.quantizer", "other", "factors.left.quantizer"),
        ("factors.left.coding", "rans", "factors.left.quantizer"),
        ("factors.left.coding", "other", "factors.left.coding"),
        ("factors.left.transform", "dst", "factors.left.transform"),
        ("factors.left.transform", "dct", None),
        ("factors.left.transform", "cdf97", None),
        ("factors.mean_row.length", 19, "factors.mean_row.length"),
        ("factors.mean_column.length", 10, "factors.mean_column.length"),
        ("plan.target.center", "both", None),
        ("plan.target.center", "auto", "plan.target.center"),
        ("plan.target.passes", 1, None),
        ("plan.target.passes", None, "plan.target.passes"),
        ("plan.basis", "single-pass", None),
        ("achieved.estimator", "gaussian-rows", None),
        ("achieved.estimator", None, "achieved.estimator"),
        ("achieved.bytes_read", 1, "achieved.*bytes_read"),
        ("factors", {}, "factors"),
        ("source.sha256", "0" * 63, "source.sha256"),
        ("source.name", "x" * 4097, "source.name"),
        ("source.name", "\ud800", "source.name"),
        ("created", "yesterday", "created"),
        ("created", "2024-01-01T00:00:00Z\n", "created"),
    ],
)
def test_values_and_arithmetic(path, value, words):
    if words is None:
        free = draft()
        free.edit_json(put(path, value))
        read_all(free.build())
    elif "chunks" in words:
        spoilt = draft()
        spoilt.edit_json(put(path, value))
        with pytest.raises(CorruptSectionError, match=words):
            read_all(spoilt.build())
    else:
        refused(put(path, value), words)


def test_factors_belong_together():
    refused(lambda d: d["factors"].pop("left"), "factors.*both or neither")
    refused(lambda d: d["factors"].pop("right"), "factors.*both or neither")
    refused(lambda d: d["factors"].pop("residual"), "plan.mode")
    right = {"components": 1, "table_length": 3}
    refused(lambda d: d["factors"]["right"].update(right), "factors.right.components")
    for name in ("mean_row", "mean_column"):
        two = {"components": 2, "table_length": 6}
        refused(lambda d: d["factors"][name].update(two), f"factors.{name}.components")  # noqa: B023
    residual = {"components": 2, "table_length": 6}
    refused(lambda d: d["factors"]["residual"].update(residual), "factors.residual.components")


def test_what_the_writer_describes_passes():
    for whole in (draft(), Draft(BASES)):
        document = whole.json()
        check_shapes(document)
        check_factors(document)


def shapes(rows, columns, extents, unfold):
    return {"matrix": {"shape": [rows, columns], "unfold": unfold}, "array": {"shape": extents}}


@given(st.lists(st.integers(1, 50), min_size=2, max_size=5), st.data())
def test_an_array_unfolds_to_the_matrix_that_numpy_would_make(extents, data):
    unfold = data.draw(st.integers(1, len(extents) - 1))
    rows, columns = math.prod(extents[:unfold]), math.prod(extents[unfold:])
    check_shapes(shapes(rows, columns, extents, unfold))
    with pytest.raises(CorruptSectionError, match=r"array\.shape"):
        check_shapes(shapes(rows + 1, columns, extents, unfold))


def test_entries_are_counted_by_64_bits():
    check_shapes(shapes(MAX_ENTRIES, 1, [MAX_ENTRIES, 1], 1))
    with pytest.raises(CorruptSectionError, match=r"matrix\.shape"):
        check_shapes(shapes(2**62, 2, [2**62, 2], 1))


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("factors.left.transform", "dct", "factors.*left_basis where the transform"),
        ("factors.left_basis.transform", "klt", "left_basis.transform"),
        ("factors.left_basis.chunk_length", 16, "left_basis.chunk_length"),
        ("factors.left_basis.grid", [2, 8], "left_basis.grid"),
        ("factors.left_basis.components", 2**20, "left_basis.components"),
        ("factors.left.chunk_length", 8, "left.chunk_length.*whole layers|bases span all layers"),
    ],
)
def test_bases_go_with_the_factor_that_they_turn(path, value, words):
    document = Draft(BASES).json()
    put(path, value)(document)
    with pytest.raises(CorruptSectionError, match=words):
        check_factors(document)


def test_a_basis_has_room_for_the_vectors_of_every_axis():
    document = Draft(BASES).json()
    basis = document["factors"]["left_basis"]
    length = basis["length"] // 2
    basis.update(length=length, grid=[length])
    with pytest.raises(CorruptSectionError, match=r"left_basis\.length.*expected 16"):
        check_factors(document)
