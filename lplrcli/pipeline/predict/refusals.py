"""Targets that cannot be met: what is said of each."""

from __future__ import annotations

import math

from lplrcli.errors import PlanError, TargetUnreachableError


def not_lossless(name: str) -> TargetUnreachableError:
    """No error at all was asked for, of factors."""
    return TargetUnreachableError(
        "factors of a matrix are not without error, and were asked for",
        path=name,
        found="-e 0",
        expected="no rank, no limit to the passes, and no mode but direct",
        advice="Leave these out, or ask for a small error, such as -e 1e-6.",
    )


def rounded_integers(name: str, largest: float) -> TargetUnreachableError:
    """No error was asked for, of a sparse matrix with larger integers than it is read with."""
    return TargetUnreachableError(
        "integers of a sparse matrix are read as float64, which does not hold all this large",
        path=name,
        found=f"-e 0, and an entry of about {largest:.4g}",
        expected="at most 2^53",
        advice="Save the matrix dense, or ask for a small error, such as -e 1e-12.",
    )


def centered_sparse(name: str, center: str) -> PlanError:
    """Means were asked for, of a sparse matrix."""
    return PlanError(
        "means of a sparse matrix are not stored apart: without them it would not be sparse",
        path=name,
        found=f"--center {center}",
        expected="none or auto",
    )


def entry_by_entry(name: str, shape: tuple[int, int], asked: str) -> PlanError:
    """Every entry of a sparse matrix would have to be coded, and there are too many."""
    return PlanError(
        "a sparse matrix this large is not coded entry by entry: most entries are zeros that are "
        "not even stored",
        path=name,
        found=f"{asked}, {shape[0]} x {shape[1]}",
        advice="Factors alone can be had: by a rank, a size, or an error that they reach.",
    )


def too_small(name: str, size: int, smallest: int) -> TargetUnreachableError:
    """A file of zeros alone is larger."""
    return TargetUnreachableError(
        "no file can be as small as asked",
        path=name,
        found=f"{size} bytes",
        expected=f"{smallest} bytes or more",
    )


def too_exact(name: str, error: float, reached: float) -> TargetUnreachableError:
    """The relative error is below what entries of this type, or this rank, allow."""
    return TargetUnreachableError(
        "the error asked for cannot be reached",
        path=name,
        found=f"-e {error:g}",
        expected=f"{reached:.3g} or more" if 0 < reached < math.inf else None,
        advice="Narrow entries, a rank that -r limits, and codes of at most 29 bits set a limit.",
    )


def out_of_passes(name: str, error: float, reached: float) -> TargetUnreachableError:
    """What was coded for the error did not keep it, and may not be measured again."""
    return TargetUnreachableError(
        "the error asked for was not kept within the passes allowed",
        path=name,
        found=f"{reached:.6g}",
        expected=f"{error:g} or less",
        advice="Allow one more pass, or a slightly larger error.",
    )


def too_exact_everywhere(name: str, bound: float, reached: float) -> TargetUnreachableError:
    """The largest error is below what rounding to the entries' type makes."""
    return TargetUnreachableError(
        "the largest error asked for cannot be kept",
        path=name,
        found=f"--max-abs-error {bound:g}",
        expected=f"{reached:.3g} or more" if 0 < reached < math.inf else None,
        advice="Entries are rounded to their type when they are decoded, 64-bit integers to 53 "
        "bits before; and codes have at most 29 bits.",
    )
