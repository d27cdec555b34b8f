"""Refusals of rows that do not fit a file."""

from __future__ import annotations

from lplrcli.errors import TargetUnreachableError

_AGAIN = "Compress all rows again, those of the file and the new ones together."


def misfit(
    name: str, error: float, limit: float, whole: float, batch: int | None
) -> TargetUnreachableError:
    """New rows are too far from what the factors of the file can be combined to.

    They may merely be too few: fewer than `batch`, unless that is None. The error of all rows,
    `whole`, is told beside theirs.
    """
    larger = "" if batch is None else f"Append {batch} rows or more at a time. "
    return TargetUnreachableError(
        "the new rows do not fit the file",
        path=name,
        found=f"a relative error of {error:.4g}, and {whole:.4g} of all rows with them",
        expected=f"at most {limit:.4g} of the new rows",
        advice=f"{larger}Allow more with -e (rel_error). {_AGAIN}",
    )


def misfit_everywhere(name: str, error: float, bound: float) -> TargetUnreachableError:
    """Some entry of the new rows is off by more than the file promises."""
    return TargetUnreachableError(
        "the new rows do not fit the file, which keeps the largest error that was asked for",
        path=name,
        found=f"an entry that is off by {error:.4g}",
        expected=f"at most {bound:g}",
        advice=_AGAIN,
    )


def out_of_scale(name: str) -> TargetUnreachableError:
    """New rows are so large that products with the factors of the file overflow."""
    return TargetUnreachableError(
        "the new rows do not fit the file: they are larger than its rows by so much that products "
        "with its factors overflow",
        path=name,
        advice=_AGAIN,
    )
