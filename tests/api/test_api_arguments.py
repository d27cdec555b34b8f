"""Numbers given from Python: NumPy's are taken, and what is none is refused by name."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import lplrcli
from lplrcli.api.arguments import integer, real, whole
from lplrcli.errors import PlanError

A = np.random.default_rng(0).standard_normal((30, 20)).astype(np.float32)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3, 3), (np.int8(3), 3), (np.array(3), 3), (20e6, 20_000_000), (np.float32(4), 4),
     (Fraction(6, 2), 3), (Decimal(5), 5), (None, None), (10**400, 10**400)],
)  # fmt: skip
def test_whole_numbers(value, expected):
    found = whole("size", value)
    assert found == expected
    assert found is None or type(found) is int


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3, 3.0), (0.5, 0.5), (np.float32(0.5), 0.5), (np.int64(2), 2.0), (Fraction(1, 4), 0.25),
     (None, None), (10**400, math.inf), (math.inf, math.inf)],
)  # fmt: skip
def test_real_numbers(value, expected):
    found = real("ratio", value)
    assert found == expected
    assert found is None or type(found) is float


@pytest.mark.parametrize("value", [True, np.True_, "3", b"3", [1], 1j, np.zeros(2), object()])
def test_what_is_no_number(value):
    with pytest.raises(PlanError, match="rank is not a whole number: found "):
        whole("rank", value)
    with pytest.raises(PlanError, match="bpc is not a number: found "):
        real("bpc", value)


@pytest.mark.parametrize("value", [2.5, np.float64(0.1), math.nan, math.inf])
def test_what_is_not_whole(value):
    with pytest.raises(PlanError, match=r"rank is not a whole number: found .*expected"):
        whole("rank", value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rel_error": True}, "rel_error is not a number: found True"),
        ({"rank": 2.5}, "rank is not a whole number: found 2.5"),
        ({"rank": True}, "rank is not a whole number: found True"),
        ({"rank": 2, "bits": "4"}, "bits is not a whole number: found '4'"),
        ({"bpc": "1"}, "bpc is not a number: found '1'"),
        ({"bpc": 2, "seed": 0.5}, "seed is not a whole number"),
        ({"bpc": 2, "threads": 1.5}, "threads is not a whole number"),
        ({"bpc": 2, "memory_limit": True}, "memory_limit is not a whole number"),
        ({"size": 2**63}, "size out of range"),
        ({"bpc": 1e300}, "bpc out of range"),
    ],
)
def test_compress_refuses_them_by_name(options, words):
    with pytest.raises(PlanError, match=words):
        lplrcli.compress(A, **options)


@pytest.mark.parametrize("options", [{"unfold": True}, {"row_grid": (5, True)}, {"unfold": "2"}])
def test_axes_and_extents_are_integers(options):
    (name,) = options
    with pytest.raises(TypeError, match=f"{name} is not an integer: found "):
        lplrcli.compress(A, bpc=2, **options)
    assert integer(name, np.int64(3)) == 3
    assert integer(name, None) is None


def test_append_refuses_them_by_name(tmp_path):
    path = tmp_path / "a.lplr"
    lplrcli.compress(A, rank=np.int64(2), bits=np.int8(8)).save(path)
    before = path.read_bytes()
    with pytest.raises(PlanError, match="rel_error is not a number: found True"):
        lplrcli.append(path, A, rel_error=True)
    assert path.read_bytes() == before


def test_numbers_of_another_type_give_the_same_file(tmp_path):
    for name, size in (("a", 3000), ("b", 3e3), ("c", np.uint16(3000))):
        lplrcli.compress(A, size=size, transform="auto" if name == "a" else None).save(
            tmp_path / name
        )
    contents = {(tmp_path / name).read_bytes() for name in "abc"}
    assert len(contents) == 1
