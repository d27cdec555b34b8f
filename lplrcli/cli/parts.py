"""Which part of an array to restore: ``--slice``, ``--rows`` and ``--cols``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lplrcli.cli import render
from lplrcli.errors import InputError, PlanError
from lplrcli.model.selection import Selection

if TYPE_CHECKING:
    from lplrcli.model.compressed import Factorization
    from lplrcli.model.selection import Index

Range = tuple[int | None, int | None]

_WHOLE: Range = (None, None)


def parse_range(ctx: click.Context, param: click.Parameter, value: str | None) -> Range:
    """Ends of ``a:b``, either of which may be left out.

    Raises
    ------
    click.BadParameter
        If `value` is not of that form: wrong usage, whatever the matrix.
    """
    first, colon, last = (":" if value is None else value).partition(":")
    try:
        if not colon:
            raise ValueError
        return int(first) if first else None, int(last) if last else None
    except ValueError:
        raise click.BadParameter(
            f"{value!r} is not a range: write a:b, :b, a: or :", ctx, param
        ) from None


def parse_slice(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> tuple[Index, ...] | None:
    """Index of ``10,:,32:64`` or ``...,::2``: what NumPy takes between brackets.

    Raises
    ------
    click.BadParameter
        If `value` is not of that form: wrong usage, whatever the array.
    """
    if value is None:
        return None
    try:
        return tuple(_parsed(text.strip()) for text in value.split(","))
    except ValueError:
        raise click.BadParameter(
            f"{value!r} is not a slice: write integers, a:b or a:b:step with a step of 1 or more, "
            "and ..., with commas between them.",
            ctx,
            param,
        ) from None


def _parsed(text: str) -> Index:
    if text == "...":
        return ...
    if ":" not in text:
        return int(text)
    ends = [int(end) if end.strip() else None for end in text.split(":")]
    if len(ends) > 3 or (len(ends) == 3 and ends[2] is not None and ends[2] < 1):
        raise ValueError
    return slice(*ends)


def chosen_part(
    factorization: Factorization,
    index: tuple[Index, ...] | None,
    rows: Range,
    columns: Range,
    path: str,
) -> Selection:
    """The part of an array that the options ask for.

    Raises
    ------
    InputError
        If it is empty or outside the array.
    PlanError
        If rows or columns are asked for of what is no matrix.
    """
    shape = factorization.array_shape
    if index is not None:
        return _sliced(shape, index, path)
    if rows == columns == _WHOLE:
        return Selection.whole(shape)
    if shape != factorization.shape:
        raise PlanError(
            "--rows and --cols are for matrices",
            path=path,
            found=f"an array {render.shape_text(shape)}",
            expected="two dimensions",
            advice="Choose a part with --slice, for example --slice 0:1,...",
        )
    chosen = (_within(rows, shape[0], "rows", path), _within(columns, shape[1], "columns", path))
    return Selection.of(chosen, shape)


def _sliced(shape: tuple[int, ...], index: tuple[Index, ...], path: str) -> Selection:
    try:
        selection = Selection.of(index, shape)
    except IndexError as error:
        raise InputError(
            f"--slice does not fit an array {render.shape_text(shape)}: {error}", path=path
        ) from error
    if 0 in selection.shape:
        raise InputError(
            "--slice chooses nothing",
            path=path,
            found=f"a part of shape {selection.shape}",
            expected=f"some of {render.shape_text(shape)}",
        )
    return selection


def _within(asked: Range, size: int, axis: str, path: str) -> slice:
    """The range asked for, checked against the matrix."""
    first, last = asked
    start = 0 if first is None else first + size if first < 0 else first
    stop = size if last is None else last + size if last < 0 else last
    if not 0 <= start < stop <= size:
        raise InputError(
            f"the range of {axis} is empty or outside the matrix",
            path=path,
            found=f"{'' if first is None else first}:{'' if last is None else last}",
            expected=f"a range within 0:{size}",
        )
    return slice(start, stop)
