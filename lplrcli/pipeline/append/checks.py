"""Whether rows can follow those of a compressed matrix: what is said where they cannot."""

from __future__ import annotations

from lplrcli.errors import InputError, PlanError
from lplrcli.model.compressed import Factorization
from lplrcli.model.source import MatrixSource

ALONG_ROWS = ("left", "mean_column", "residual")
"""Factors that get entries for new rows."""


def check_factors(factorization: Factorization, path: str | None) -> None:
    """Check that the factors of a file can be continued row by row.

    Parameters
    ----------
    factorization : Factorization
        The matrix that rows are to be appended to.
    path : str, optional
        Its file, for messages.

    Raises
    ------
    PlanError
        Entries are kept without factors; or a factor is transformed along the rows, or laid out
        as this program does not.
    """
    if factorization.kept is not None:
        raise PlanError(
            "rows cannot be appended: the entries of the file are kept as they are",
            path=path,
            found="mode kept",
            expected="a mode with factors or a residual",
            advice="Compress all rows again.",
        )
    parts = factorization.parts
    for name in ALONG_ROWS:
        if name in parts and parts[name].transform != "identity":
            raise PlanError(
                f"rows cannot be appended: {name.replace('_', ' ')} is transformed along the rows",
                path=path,
                found=f"transform {parts[name].transform}",
                expected="identity",
                advice="Compress all rows again, with --transform none if more are to follow.",
            )
    residual = factorization.residual
    rows, columns = factorization.shape
    if residual is not None and residual.coding == "rans" and residual.length != rows:
        raise PlanError(
            "rows cannot be appended: the residual is entropy-coded as one run of all rows",
            path=path,
            found=f"{residual.components} components",
            expected=f"{columns}, its columns",
            advice="Compress all rows again, with --mode factors if more are to follow few.",
        )


def check_rows(source: MatrixSource, factorization: Factorization, path: str | None) -> None:
    """Check that an array continues the one of a file along its first axis.

    Parameters
    ----------
    source : MatrixSource
        The new rows.
    factorization, path
        As for `check_factors`.

    Raises
    ------
    InputError
        Its extents along the other axes, or its type, are others.
    PlanError
        The file's array has no axis that rows could be appended along, or its rows are a grid
        of which these are no whole layers.
    """
    new, old = source.unfolding.array_shape, factorization.array_shape
    if len(new) != len(old) or new[1:] != old[1:]:
        raise InputError(
            "the new rows are of another shape than those of the compressed array"
            + (f" in {path}" if path else ""),
            path=source.name,
            found=_shape_text(new),
            expected=_shape_text(("any number", *old[1:])),
        )
    if source.dtype.name != factorization.dtype:
        raise InputError(
            "the new rows are of another type than the compressed array"
            + (f" in {path}" if path else ""),
            path=source.name,
            found=source.dtype.name,
            expected=factorization.dtype,
            advice=f'Convert them first, for example with astype("{factorization.dtype}").',
        )
    if not 1 <= factorization.unfold < len(old):
        raise PlanError(
            "rows cannot be appended: the first axis of the array is not one of rows alone",
            path=path,
            found=f"{factorization.unfold} of {len(old)} axes as rows",
            advice="Compress the whole array again.",
        )
    added = new[0] * (factorization.shape[0] // old[0])
    parts = factorization.parts
    for name in ALONG_ROWS[:2]:
        if name in parts:
            grid = parts[name].grid
            layer = factorization.shape[0] // grid[0]
            if added % layer:
                raise PlanError(
                    "the rows of the file are a grid: only whole layers of it can follow",
                    path=source.name,
                    found=f"{added} rows",
                    expected=f"a multiple of {layer}, as the grid is {_shape_text(grid)}",
                )


def _shape_text(shape: tuple[object, ...]) -> str:
    return " x ".join(map(str, shape))
