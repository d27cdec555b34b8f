"""What may be asked for: combinations that make sense become targets, others are refused."""

from __future__ import annotations

import numpy as np
import pytest

from lplrcli.errors import PlanError
from lplrcli.model.plan import METHODS, Target
from lplrcli.model.request import CompressionRequest
from lplrcli.planning.targets import DEFAULT_BITS, check, target_of


def target(shape=(100, 50), dtype=np.float32, **options):
    return target_of(CompressionRequest(**options), shape, np.dtype(dtype))


def test_a_rank_alone_asks_for_the_packed_engine():
    assert target(rank=7) == Target("packed", 7, DEFAULT_BITS, DEFAULT_BITS)
    assert target(rank=7, bits=2) == Target("packed", 7, 2, 2)
    assert target(rank=7, bits=2, bits_right=3) == Target("packed", 7, 2, 3)


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"size": 777}, 777),
        ({"bpc": 1.0}, 625),  # 5000 entries
        ({"bpc": 0.3}, 187),  # 187.5 bytes, rounded down: never larger
        ({"ratio": 8}, 2500),  # of 20000 bytes
        ({"ratio": 7, "dtype": np.float64}, 5714),
        ({"ratio": 3, "dtype": bool}, 1666),
    ],
)
def test_sizes_are_bytes_of_the_whole_file(options, size):
    assert target(**options) == Target("rate-distortion", None, None, None, size)


def test_sizes_that_no_file_can_state_are_cut_or_refused():
    assert target(bpc=2.0**60).size == 2**63 - 1
    assert target(ratio=2.0**-60).size == 2**63 - 1
    assert target(size=2**63 - 1).size == 2**63 - 1


def test_any_transform_is_the_default():
    assert target(bpc=1.0, transform="auto") == target(bpc=1.0)
    assert target(rank=3, transform="auto") == target(rank=3)


@pytest.mark.parametrize("name", ["rel_error", "max_abs_error"])
@pytest.mark.parametrize("value", [0.0, 1e-9, 0.5, 3.0])
def test_errors_ask_for_the_rate_distortion_engine(name, value):
    found = target(**{name: value})
    assert found.method == "rate-distortion"
    assert {found.relative_error, found.max_abs_error} == {value, None}


@pytest.mark.parametrize("goal", [{"rel_error": 0.01}, {"bpc": 1.0}, {"size": 9000}])
def test_a_rank_limits_a_size_or_an_error(goal):
    assert target(rank=5, **goal).rank == 5
    assert target(rank=5, mode="factors", **goal).mode == "factors"


@pytest.mark.parametrize("mode", ["factors", "factors+residual", "direct"])
def test_a_mode_may_be_forced(mode):
    assert target(bpc=1.0, mode=mode).mode == mode


REFUSED = [
    ({"size": 2**63}, "size out of range: found 9223372036854775808, expected.*less than"),
    ({"bpc": 1e300}, "bpc out of range"),
    ({"bpc": float("inf")}, "bpc out of range"),
    ({"ratio": 1e-300}, "ratio out of range.*no less than"),
    ({"rel_error": 1e300}, "rel_error out of range"),
    ({"rank": 2**63}, "rank out of range"),
    ({"bpc": 1.0, "rank": 2**63}, "rank out of range"),
    ({"rank": 1, "passes": 2**63}, "passes out of range"),
    ({"rank": 1, "oversampling": 2**63}, "oversampling out of range"),
    ({"bpc": 1.0, "power_iterations": 2**63}, "power_iterations out of range"),
    ({"bpc": 1.0, "transform": "best"}, "unknown transform.*expected auto or none or dct"),
    ({}, "packed needs a rank.*neither.*a size, an error, or a rank"),
    ({"method": "zip"}, "unknown method"),
    ({"method": "lplr"}, "lplr needs a rank"),
    ({"method": "rate-distortion"}, "needs a size or an error"),
    ({"method": "rate-distortion", "rank": 5}, "needs a size or an error"),
    ({"rank": 0}, "rank out of range"),
    ({"rank": -3, "bpc": 1.0}, "rank out of range"),
    ({"bpc": 1.0, "size": 100}, "one target at a time.*bpc and size"),
    ({"bpc": 1.0, "rel_error": 0.1}, "one target at a time"),
    ({"rel_error": 0.1, "max_abs_error": 0.1}, "one target at a time"),
    ({"bpc": 0.0}, "bpc out of range.*more than 0"),
    ({"bpc": -1.0}, "bpc out of range"),
    ({"ratio": 0.0}, "ratio out of range"),
    ({"ratio": np.inf}, "ratio out of range"),
    ({"size": 0}, "size out of range"),
    ({"rel_error": -0.1}, "rel_error out of range.*0 or more"),
    ({"rel_error": np.nan}, "rel_error out of range"),
    ({"max_abs_error": np.inf}, "max_abs_error out of range"),
    ({"bpc": 1.0, "bits": 4}, "bits fixes the bits of an entry"),
    ({"rel_error": 0.1, "bits_right": 4}, "bits_right fixes the bits"),
    ({"rank": 5, "bits": 0}, "bits out of range.*1 to 16"),
    ({"rank": 5, "bits_right": 17}, "bits_right out of range"),
    ({"bpc": 1.0, "mode": "both"}, "unknown mode"),
    ({"rank": 5, "mode": "factors"}, "packed has no choice of modes"),
    ({"method": "nq", "mode": "direct"}, "nq has no choice of modes"),
    ({"bpc": 1.0, "mode": "direct", "rank": 5}, "direct has no rank"),
    ({"max_abs_error": 0.1, "mode": "factors"}, "factors bounds no entry's error"),
    ({"method": "nq", "rank": 5}, "nq stores no factors"),
    ({"method": "nq", "bits_right": 5}, "nq has no right factor"),
    *(
        ({"method": method, "rel_error": 0.1}, f"{method} cannot aim at")
        for method in METHODS
        if method != "rate-distortion"
    ),
]


@pytest.mark.parametrize(("options", "words"), REFUSED, ids=str)
def test_what_contradicts_itself_is_refused_with_the_reason(options, words):
    with pytest.raises(PlanError, match=words):
        target(**options)


def test_the_size_a_small_matrix_may_have_is_a_byte_at_least():
    # Whether a file can be that small is seen when it is made.
    assert target((1, 1), bpc=1.0).size == 1


def sketching(method, options):
    """A request that is sound but for the options of the range finder."""
    needed = {"rate-distortion": {"bpc": 1.0}, "nq": {}}.get(method, {"rank": 5})
    return CompressionRequest(method=method, **needed, **options)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("rate-distortion", {"sketch": "srht", "power_iterations": 1, "seed": 2**64 - 1}),
        ("packed", {"sketch": "gaussian", "oversampling": 0, "power_iterations": 9}),
        ("lplr", {"sketch": "sparse-sign", "power_iterations": 0}),
        ("nq", {}),
    ],
)
def test_options_of_the_range_finder(method, options):
    check(sketching(method, options))


@pytest.mark.parametrize(
    ("method", "options", "words"),
    [
        ("packed", {"sketch": "fast"}, "unknown sketch"),
        ("dsvd", {"sketch": "srht"}, "makes no sketch"),
        ("nq", {"power_iterations": 1}, "makes no power iterations"),
        ("rate-distortion", {"power_iterations": 0}, "too few power iterations"),
        ("rate-distortion", {"oversampling": 5}, "has no oversampling"),
        ("packed", {"oversampling": -1}, "oversampling is negative"),
        ("packed", {"seed": -1}, "seed out of range"),
        ("packed", {"seed": 2**64}, "seed out of range"),
    ],
    ids=str,
)
def test_options_of_the_range_finder_that_make_no_sense(method, options, words):
    with pytest.raises(PlanError, match=words):
        check(sketching(method, options))
