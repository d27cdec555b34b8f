"""Where a restored matrix goes: in which format, under which name, and whether it fits.

The options that say so, which `decompress` and `recover` share, and what they come to.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from lplrcli.cli import options
from lplrcli.cli.options import Decorator
from lplrcli.errors import OutputError

FORMATS = {"npy": "npy", "h5": "hdf5", "hdf5": "hdf5", "mtx": "mtx"}
DTYPES = (
    *("float16", "float32", "float64", "bfloat16", "bool"),
    *(f"{kind}{width}" for kind in ("int", "uint") for width in (8, 16, 32, 64)),
)
DTYPES_TEXT = "float16, float32, float64, bfloat16, bool, int8 to int64, uint8 to uint64"

to: Decorator = click.option(
    "--to",
    type=click.Choice(list(FORMATS)),
    help="Format to write.  [default: by the suffix of -o, else the original one, npy where that "
    "is only read]",
)
gzip: Decorator = click.option(
    "--gzip", is_flag=True, help="Compress an HDF5 dataset, or a .mtx file, with gzip."
)
max_output: Decorator = click.option(
    "--max-output",
    type=click.IntRange(min=0),
    metavar="BYTES",
    help="Refuse to write more.  [default: what is free on the disk; no limit for a pipe]",
)
dataset: Decorator = options.dataset("Dataset to create in an HDF5 file.  [default: matrix]")


def is_a_stream(target: str) -> bool:
    """Whether what is written there cannot be taken back: a pipe, a FIFO or a device."""
    path = Path(target)
    from lplrcli.io.files.descriptors import descriptor_of

    already_open = target == "-" or descriptor_of(target) is not None
    return already_open or (path.exists() and not path.is_file())


def goes_to_stdout(target: str) -> bool:
    """Whether that is standard output, under whatever name."""
    from lplrcli.io.files.descriptors import descriptor_of

    return target == "-" or descriptor_of(target) == 1


def destination(
    source: str, output: str | None, to: str | None, original: str | None
) -> tuple[str, str]:
    """Format and name of what is written.

    Parameters
    ----------
    source : str
        The ``.lplr`` file.
    output, to : str or None
        As asked for.
    original : str or None
        Format that the matrix came from.

    Raises
    ------
    click.UsageError
        If the suffix is that of no format.
    """
    from lplrcli.io import format_of_suffix, suffix_of_format

    by_suffix = None if output is None or output == "-" else format_of_suffix(output)
    suffix = Path(output or "").suffix
    if to is None and by_suffix is None and suffix:
        known = ", ".join(f".{name}" for name in FORMATS)
        raise click.UsageError(
            f"No format has the suffix {suffix} of -o: use {known}, or say --to."
        )
    by_origin = original if original is not None and original in FORMATS.values() else "npy"
    # On a pipe and in an unknown file the sparse or hierarchical format of the origin would
    # surprise; NumPy's is what everything reads.
    default = by_origin if output is None and source != "-" else "npy"
    kind = FORMATS[to] if to else by_suffix or default
    if output is not None:
        return kind, output
    if source == "-":
        return kind, "-"
    stem = source[:-5] if source.lower().endswith(".lplr") else source
    return kind, stem + suffix_of_format(kind)


def check_streams(kind: str, target: str, dataset: str | None, as_json: bool) -> None:
    """Refuse options that do not go with where the matrix goes.

    Raises
    ------
    click.UsageError
        If there is no place for a dataset, or two things would go to standard output.
    """
    if dataset is not None and kind != "hdf5":
        raise click.UsageError("--dataset names a place in an HDF5 file; write one with --to h5.")
    if as_json and goes_to_stdout(target):
        raise click.UsageError("--json and the matrix would both go to standard output.")


def check_size(result_bytes: int, max_output: int | None, target: str, advice: str) -> None:
    """Refuse what cannot fit, with that advice: a small file may describe a matrix of any size.

    Raises
    ------
    OutputError
        If it is more than `max_output`, or than is free where no limit is given.
    """
    limit = max_output
    if limit is None:
        folder = Path(target).resolve().parent
        if is_a_stream(target) or not folder.is_dir():
            return
        limit = shutil.disk_usage(folder).free
    if result_bytes > limit:
        raise OutputError(
            "the decoded matrix is too large",
            path=target,
            found=f"{result_bytes} bytes",
            expected=f"at most {limit}",
            advice=advice,
        )
