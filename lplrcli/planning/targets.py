"""What may be asked for, alone and together."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lplrcli.errors import PlanError
from lplrcli.model.plan import CENTERS, METHODS, MODES, SKETCHES, TRANSFORMS, Target
from lplrcli.planning.bit_allocation import MAX_BITS
from lplrcli.planning.pass_budget import check_iterations, within_passes

DEFAULT_BITS = 4

ENGINES = ("rate-distortion", "packed")


def target_of(
    shape: tuple[int, int],
    dtype: np.dtype[Any],
    *,
    method: str | None = None,
    rank: int | None = None,
    bits: int | None = None,
    bits_right: int | None = None,
    bpc: float | None = None,
    ratio: float | None = None,
    size: int | None = None,
    rel_error: float | None = None,
    max_abs_error: float | None = None,
    mode: str | None = None,
    transform: str | None = None,
    center: str | None = None,
    passes: int | None = None,
) -> Target:
    """The target that options stand for.

    A size or an error asks for the rate-distortion engine; a rank without either, for the packed
    one, unless a method is named.

    Parameters
    ----------
    shape : tuple of int
        Shape of the matrix.
    dtype : numpy.dtype
        Type of its entries as stored: what `ratio` refers to.
    method, rank, bits, bits_right, bpc, ratio, size, rel_error, max_abs_error, mode, transform
    center, passes
        See `lplrcli.pipeline.compress.compress`.

    Raises
    ------
    PlanError
        If they contradict each other, or one is out of range.
    """
    goals = {
        "bpc": bpc,
        "ratio": ratio,
        "size": size,
        "rel_error": rel_error,
        "max_abs_error": max_abs_error,
    }
    asked = {name: value for name, value in goals.items() if value is not None}
    if method is None:
        method = "rate-distortion" if asked else "packed"
    require(method in METHODS, "unknown method", method, " or ".join(METHODS))
    require(rank is None or rank >= 1, "rank out of range", rank, "1 or more")
    _check_goals(method, asked)
    _check_bits(method, bits, bits_right)
    _check_mode(method, mode, rank, max_abs_error)
    if transform is not None:
        require(transform in TRANSFORMS, "unknown transform", transform, " or ".join(TRANSFORMS))
        message = f"method {method} transforms nothing"
        require(method == "rate-distortion", message, transform, None)
    center = None if center == "none" else center
    if center is not None:
        require(center in CENTERS, "unknown choice of means", center, " or ".join(CENTERS))
        message = f"method {method} stores no means apart"
        require(method == "rate-distortion", message, center, None)
    if method == "rate-distortion":
        entries = shape[0] * shape[1]
        if bpc is not None:
            size = max(math.floor(bpc * entries / 8), 1)
        if ratio is not None:
            size = max(math.floor(entries * dtype.itemsize / ratio), 1)
        target = Target(
            method, rank, None, None, size, rel_error, max_abs_error, mode, transform, center
        )
        return within_passes(target, passes)
    if method == "nq":
        require(rank is None, "method nq stores no factors, so no rank", rank, None)
        require(bits_right is None, "method nq has no right factor", bits_right, None)
    else:
        found = "neither" if method == "packed" else "no rank"
        expected = "a size, an error, or a rank" if method == "packed" else "1 or more"
        require(rank is not None, f"method {method} needs a rank", found, expected)
    left_bits = DEFAULT_BITS if bits is None else bits
    target = Target(method, rank, left_bits, left_bits if bits_right is None else bits_right)
    return within_passes(target, passes)


def check_sketch(
    method: str,
    sketch: str | None,
    oversampling: int | None,
    power_iterations: int | None,
    seed: int,
    passes: int | None = None,
) -> None:
    """Raise `PlanError` if the options of the range finder make no sense for a method."""
    iterated = method in (*ENGINES, "lplr")
    if sketch is not None:
        require(sketch in SKETCHES, "unknown sketch", sketch, " or ".join(SKETCHES))
        require(iterated, f"method {method} makes no sketch", sketch, None)
    if power_iterations is not None:
        require(iterated, f"method {method} makes no power iterations", power_iterations, None)
        least = 1 if method in ENGINES else 0
        valid = power_iterations >= least
        require(valid, "too few power iterations", power_iterations, f"{least} or more")
        check_iterations(method, power_iterations, passes)
    if oversampling is not None:
        require(method == "packed", f"method {method} has no oversampling", oversampling, None)
        require(oversampling >= 0, "oversampling is negative", oversampling, "0 or more")
    require(0 <= seed < 2**64, "seed out of range", seed, "0 to 2**64 - 1")


def require(valid: bool, message: str, found: Any, expected: str | None) -> None:
    """Raise `PlanError` unless `valid`."""
    if not valid:
        raise PlanError(message, found=found, expected=expected)


def _check_goals(method: str, asked: dict[str, float]) -> None:
    names = " and ".join(asked)
    if method != "rate-distortion":
        require(not asked, f"method {method} cannot aim at a size or an error", names, None)
        return
    require(bool(asked), "method rate-distortion needs a size or an error", "neither", None)
    require(len(asked) == 1, "one target at a time", names, "one of them")
    ((name, value),) = asked.items()
    least_is_zero = name in ("rel_error", "max_abs_error")
    valid = math.isfinite(value) and (value >= 0 if least_is_zero else value > 0)
    require(valid, f"{name} out of range", value, "0 or more" if least_is_zero else "more than 0")


def _check_bits(method: str, bits: int | None, bits_right: int | None) -> None:
    for name, value in (("bits", bits), ("bits_right", bits_right)):
        valid = value is None or 1 <= value <= MAX_BITS
        require(valid, f"{name} out of range", value, f"1 to {MAX_BITS}")
        if method == "rate-distortion":
            message = f"{name} fixes the bits of an entry, which a size or an error decides"
            require(value is None, message, value, None)


def _check_mode(
    method: str, mode: str | None, rank: int | None, max_abs_error: float | None
) -> None:
    if mode is None:
        return
    require(mode in MODES, "unknown mode", mode, " or ".join(MODES))
    valid = method == "rate-distortion"
    require(valid, f"method {method} has no choice of modes", mode, None)
    require(mode != "direct" or rank is None, "mode direct has no rank", rank, None)
    valid = mode != "factors" or max_abs_error is None
    require(valid, "mode factors bounds no entry's error", mode, "direct or factors+residual")
