"""The matrix that a command reads: its INPUT..., and the options that say what is in it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import click

from lplrcli.cli import options
from lplrcli.cli.command import complete_paths
from lplrcli.errors import LplrError

if TYPE_CHECKING:
    from lplrcli.io.formats.raw import RawLayout


@dataclass(frozen=True)
class Inputs:
    """One file or several, and how to read them.

    Attributes
    ----------
    paths : tuple of str
        As given; ``-`` is standard input.
    dataset : str or None
        Which array, of files that may hold several.
    layout : RawLayout or None
        What raw files hold.
    """

    paths: tuple[str, ...]
    dataset: str | None
    layout: RawLayout | None

    @property
    def shown(self) -> str:
        """What to call them to a person: the path, or the first and the last."""
        return _first_and_last(self.paths)

    @property
    def name(self) -> str | None:
        """What the matrix is called in the file: no folder of the machine it was made on.

        By what it came from, not by where it goes: equal input gives equal bytes.
        """
        if self.paths == ("-",):
            return None
        names = [path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] for path in self.paths]
        name = _first_and_last(names)
        return f"{name}:{self.dataset}" if self.dataset else name

    def dataset_in(self, name: str | None) -> str | None:
        """Which array a name stored in a compressed file speaks of; None if of a file's only one.

        Examples
        --------
        >>> Inputs(("here/run.h5",), None, None).dataset_in("run.h5:/u")
        '/u'
        """
        if name is None or name == self.name or ":" not in name:
            return None
        if self.name is not None and name.startswith(f"{self.name}:"):
            return name.removeprefix(f"{self.name}:")
        return name.rpartition(":")[2]  # the original may have been renamed


def _first_and_last(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} ... {names[-1]}"


def _taken_by(name: str, paths: options.Decorator, which: str) -> options.Decorator:
    """A decorator that gives a command `Inputs` as its parameter `name`.

    `paths` declares the parameter ``paths``, `which` begins the help of ``--dataset``.
    """
    declared = (
        paths,
        options.dataset(
            f"{which} of a .npz, HDF5, Zarr or safetensors file; not needed if it holds one matrix."
        ),
        click.option(
            "--shape",
            metavar="AxB",
            callback=options.parse_extents,
            help="The input is raw numbers without a header, an array of this shape; with --dtype.",
        ),
        click.option(
            "--dtype",
            metavar="TYPE",
            help="Type of raw numbers: float32, bfloat16, int16 and so on; >f4 is big-endian.",
        ),
        click.option(
            "--order",
            type=click.Choice(["C", "F"]),
            help="Order of raw numbers: C if the last axis varies fastest, F if the first one "
            "does.  [default: C]",
        ),
    )

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def with_inputs(
            *arguments: Any,
            paths: tuple[str, ...],
            dataset: str | None,
            shape: tuple[int, ...] | None,
            dtype: str | None,
            order: Literal["C", "F"] | None,
            **others: Any,
        ) -> Any:
            if paths.count("-") > 1:
                raise click.UsageError("Only one of the files can be standard input.")
            inputs = Inputs(paths, dataset, _layout(shape, dtype, order))
            return command(*arguments, **others, **{name: inputs})

        decorated: Callable[..., Any] = with_inputs
        for declaration in reversed(declared):
            decorated = declaration(decorated)
        return decorated

    return decorate


def _layout(
    shape: tuple[int, ...] | None, dtype: str | None, order: Literal["C", "F"] | None
) -> RawLayout | None:
    if shape is None and dtype is None and order is None:
        return None
    if shape is None or dtype is None:
        raise click.UsageError("Raw numbers need both --shape and --dtype.")
    from lplrcli.io.formats.raw import RawLayout

    try:
        return RawLayout.of(shape, dtype, order or "C")
    except LplrError as error:
        raise click.UsageError(str(error)) from None


_paths = click.argument(
    "paths", metavar="INPUT...", nargs=-1, required=True, shell_complete=complete_paths
)

argument = _taken_by("source", _paths, "Which array")
"""``INPUT...``, as `source`."""

addition = _taken_by("addition", _paths, "Which array")
"""``INPUT...``, as `addition`: for a command that takes another file first."""

against = _taken_by(
    "original",
    click.option(
        "--against",
        "paths",
        metavar="ORIGINAL",
        shell_complete=complete_paths,
        multiple=True,
        help="Measure the true error against the original matrix; repeated, against several "
        "files joined.",
    ),
    "Which array of the original, if that is",
)
"""``--against``, as `original`; it may have no paths."""
