"""What may be asked for, alone and together, and what it means for one matrix."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lplrcli.errors import PlanError
from lplrcli.model.plan import CENTERS, METHODS, MODES, SKETCHES, TRANSFORMS, Target
from lplrcli.model.request import CompressionRequest
from lplrcli.planning.bit_allocation import MAX_BITS
from lplrcli.planning.pass_budget import check_iterations, check_passes

DEFAULT_BITS = 4

MAX_COUNT = 2**63 - 1
"""Largest size in bytes, and largest number of anything, that a file can state."""

ENGINES = ("rate-distortion", "packed")


def check(request: CompressionRequest) -> None:
    """Refuse options that are out of range or contradict each other, whatever the matrix.

    Raises
    ------
    PlanError
        It names the option, what was found and what is expected.

    Examples
    --------
    >>> check(CompressionRequest(rank=8, bits=2))
    """
    method = request.chosen_method
    require(method in METHODS, "unknown method", method, " or ".join(METHODS))
    rank = request.rank
    require(rank is None or 1 <= rank <= MAX_COUNT, "rank out of range", rank, "1 to 2**63 - 1")
    for name in ("passes", "oversampling", "power_iterations"):
        count = getattr(request, name)
        require(
            count is None or count <= MAX_COUNT, f"{name} out of range", count, "less than 2**63"
        )
    _check_goals(method, request.goals)
    _check_bits(method, request.bits, request.bits_right)
    _check_mode(method, request)
    _check_choice(request, "transform", TRANSFORMS, f"method {method} transforms nothing")
    _check_choice(request, "center", CENTERS, f"method {method} stores no means apart")
    if method == "nq":
        require(rank is None, "method nq stores no factors, so no rank", rank, None)
        bits_right = request.bits_right
        require(bits_right is None, "method nq has no right factor", bits_right, None)
    elif method != "rate-distortion":
        found = "neither" if method == "packed" else "no rank"
        expected = "a size, an error, or a rank" if method == "packed" else "1 or more"
        require(rank is not None, f"method {method} needs a rank", found, expected)
    check_passes(request)
    _check_sketch(method, request)


def target_of(request: CompressionRequest, shape: tuple[int, int], dtype: np.dtype[Any]) -> Target:
    """The target that a request stands for.

    A size or an error asks for the rate-distortion engine; a rank without either, for the packed
    one, unless a method is named.

    Parameters
    ----------
    request : CompressionRequest
        What is asked.
    shape : tuple of int
        Rows and columns of the matrix.
    dtype : numpy.dtype
        Type of its entries as stored: what `ratio` refers to.

    Raises
    ------
    PlanError
        As `check` does.

    Examples
    --------
    >>> target_of(CompressionRequest(bpc=1.0), (100, 50), np.dtype(np.float32)).size
    625
    """
    check(request)
    method = request.chosen_method
    if method != "rate-distortion":
        left = DEFAULT_BITS if request.bits is None else request.bits
        right = left if request.bits_right is None else request.bits_right
        return Target(method, request.rank, left, right, passes=request.passes)
    return Target(
        method,
        request.rank,
        None,
        None,
        _file_bytes(request, shape, dtype),
        request.rel_error,
        request.max_abs_error,
        # A limit to the passes leaves the one mode of which they can be counted.
        request.mode if request.passes is None else "factors",
        None if request.transform == "auto" else request.transform,
        None if request.center == "none" else request.center,
        request.passes,
    )


def require(valid: bool, message: str, found: Any, expected: str | None) -> None:
    """Raise `PlanError` unless `valid`."""
    if not valid:
        raise PlanError(message, found=found, expected=expected)


def _file_bytes(
    request: CompressionRequest, shape: tuple[int, int], dtype: np.dtype[Any]
) -> int | None:
    """Bytes that a file may have, if a size is asked for in whatever unit."""
    entries = shape[0] * shape[1]
    if request.bpc is not None:
        size = request.bpc * entries / 8
    elif request.ratio is not None:
        size = entries * dtype.itemsize / request.ratio
    else:
        return request.size
    return min(max(math.floor(size), 1), MAX_COUNT)


def _check_goals(method: str, asked: dict[str, float]) -> None:
    names = " and ".join(asked)
    if method != "rate-distortion":
        require(not asked, f"method {method} cannot aim at a size or an error", names, None)
        return
    require(bool(asked), "method rate-distortion needs a size or an error", "neither", None)
    require(len(asked) == 1, "one target at a time", names, "one of them")
    ((name, value),) = asked.items()
    if name in ("rel_error", "max_abs_error"):
        most = MAX_COUNT if name == "rel_error" else math.inf
        valid = math.isfinite(value) and 0 <= value <= most
        expected = "0 or more" if math.isinf(most) else "0 or more, and less than 2**63"
        require(valid, f"{name} out of range", value, expected)
    elif name == "ratio":
        valid = math.isfinite(value) and value >= 1 / MAX_COUNT
        require(valid, "ratio out of range", value, "more than 0, and no less than 2**-63")
    else:
        valid = 0 < value <= MAX_COUNT
        require(valid, f"{name} out of range", value, "more than 0, and less than 2**63")


def _check_bits(method: str, bits: int | None, bits_right: int | None) -> None:
    for name, value in (("bits", bits), ("bits_right", bits_right)):
        valid = value is None or 1 <= value <= MAX_BITS
        require(valid, f"{name} out of range", value, f"1 to {MAX_BITS}")
        if method == "rate-distortion":
            message = f"{name} fixes the bits of an entry, which a size or an error decides"
            require(value is None, message, value, None)


def _check_mode(method: str, request: CompressionRequest) -> None:
    mode, rank = request.mode, request.rank
    if mode is None:
        return
    require(mode in MODES, "unknown mode", mode, " or ".join(MODES))
    valid = method == "rate-distortion"
    require(valid, f"method {method} has no choice of modes", mode, None)
    require(mode != "direct" or rank is None, "mode direct has no rank", rank, None)
    valid = mode != "factors" or request.max_abs_error is None
    require(valid, "mode factors bounds no entry's error", mode, "direct or factors+residual")


def _check_choice(
    request: CompressionRequest, option: str, known: tuple[str, ...], message: str
) -> None:
    """Refuse an unknown transform or choice of means, and any that the method has no use for."""
    name = getattr(request, option)
    if name is None or name == {"center": "none", "transform": "auto"}[option]:
        return
    what = "choice of means" if option == "center" else option
    known_names = known if option == "center" else ("auto", *known)
    require(name in known, f"unknown {what}", name, " or ".join(known_names))
    require(request.chosen_method == "rate-distortion", message, name, None)


def _check_sketch(method: str, request: CompressionRequest) -> None:
    """Refuse options of the range finder that make no sense for a method."""
    iterated = method in (*ENGINES, "lplr")
    sketch, power_iterations = request.sketch, request.power_iterations
    if sketch is not None:
        require(sketch in SKETCHES, "unknown sketch", sketch, " or ".join(SKETCHES))
        require(iterated, f"method {method} makes no sketch", sketch, None)
    if power_iterations is not None:
        require(iterated, f"method {method} makes no power iterations", power_iterations, None)
        least = 1 if method in ENGINES else 0
        valid = power_iterations >= least
        require(valid, "too few power iterations", power_iterations, f"{least} or more")
        check_iterations(method, power_iterations, request.passes)
    oversampling = request.oversampling
    if oversampling is not None:
        require(method == "packed", f"method {method} has no oversampling", oversampling, None)
        require(oversampling >= 0, "oversampling is negative", oversampling, "0 or more")
    require(0 <= request.seed < 2**64, "seed out of range", request.seed, "0 to 2**64 - 1")
