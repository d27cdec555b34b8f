"""Which array of a file is meant: the only matrix, or the one that was named."""

from __future__ import annotations

import numpy as np
import pytest

from lplrcli.errors import NotAMatrixError
from lplrcli.io.handles.dataset_choice import (
    MAX_LISTED,
    Candidate,
    no_such_dataset,
    only_matrix,
)

F4 = np.dtype("f4")


@pytest.mark.parametrize(
    ("shape", "dtype", "is_matrix", "text"),
    [
        ((60, 9), F4, True, "60x9 float32"),
        ((2, 3, 4, 5, 6), F4, True, "2x3x4x5x6 float32"),
        ((2, 3, 4, 5, 6, 7), F4, False, "2x3x4x5x6x7 float32"),
        ((60,), F4, False, "60 float32"),
        ((), F4, False, "scalar float32"),
        ((0, 9), F4, False, "0x9 float32"),
        ((60, 9), np.dtype("c8"), False, "60x9 complex64"),
    ],
)
def test_an_array_is_judged_by_shape_and_type(shape, dtype, is_matrix, text):
    assert Candidate.of("/a", shape, dtype) == Candidate("/a", text, is_matrix)


def candidates(matrices, others=2):
    return [
        *(Candidate.of(f"/other{i}", (3,), F4) for i in range(others)),
        *(Candidate.of(f"/m{i}", (3, 4), F4) for i in range(matrices)),
    ]


def test_the_only_matrix_among_others_is_meant():
    assert only_matrix(candidates(1), "a.h5") == "/m0"


def test_of_several_one_must_be_named_and_some_are_listed():
    with pytest.raises(NotAMatrixError, match=r"11 arrays: /m0 \(3x4 float32\), /m1") as caught:
        only_matrix(candidates(11), "a.h5")
    assert "--dataset /m0" in caught.value.advice
    assert f"and {11 - MAX_LISTED} more" in str(caught.value)
    assert "other" not in str(caught.value)


def test_without_any_matrix_what_is_there_is_listed():
    with pytest.raises(NotAMatrixError, match=r"no matrix.*/other0 \(3 float32\), /other1"):
        only_matrix(candidates(0), "a.h5")
    with pytest.raises(NotAMatrixError, match="none"):
        only_matrix([], "a.h5")


def test_a_name_that_leads_nowhere_lists_those_that_lead_somewhere():
    error = no_such_dataset("x", candidates(2), "a.h5")
    assert str(error).startswith("a.h5: 'x' does not exist; arrays in the file: /m0")
    assert error.advice
    assert no_such_dataset("x", candidates(0), "a.h5").advice is None
    assert "'x' is a group" in str(no_such_dataset("x", [], "a.h5", what="is a group"))


def test_the_example_is_the_likeliest_array():
    arrays = [
        Candidate.of("/labels", (1000, 40), np.dtype("i8")),
        Candidate.of("/small", (10, 3), F4),
        Candidate.of("/the u", (100, 30), F4),
        Candidate.of("/mask", (1000, 40), np.dtype("?")),
    ]
    for order in (arrays, arrays[::-1]):
        with pytest.raises(NotAMatrixError, match="for example --dataset '/the u'"):
            only_matrix(order, "a.h5")
    with pytest.raises(NotAMatrixError, match="for example --dataset /labels"):
        only_matrix([arrays[3], Candidate.of("/few", (3, 4), np.dtype("i8")), arrays[0]], "a.h5")
