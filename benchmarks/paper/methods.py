"""The best that a method reaches within a file size; used by the other scripts of this folder.

A size is asked for in bits per coordinate (bpc): eight times the bytes of the whole file, over
the entries of the matrix. Sizes are those of the files written; errors are relative Frobenius
errors, computed here in float64 from what those files decode to.

Of the paper's methods every pair of bit depths in `pairs` is tried, each with the largest rank
whose file fits, and the one with the least error is taken. `nq`, which has no rank, takes the
most bits that fit. Its codes alone fill a whole number of bits per coordinate,
so with headers it always lands above that: `nq+` is the same with as many bits as the size has,
in a file that is larger than allowed, shown for orientation.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import lplrcli
from lplrcli.errors import TargetUnreachableError

METHODS = ("nq", "nq+", "lplr", "lsvd", "dsvd", "engine")
SIZES = (0.5, 1.0, 2.0, 4.0)

_ranks: dict[tuple[Any, ...], int] = {}
"""Largest ranks found. They depend on the shape and not on the entries, up to the few bytes that
metadata differ by, so a second matrix of the same shape starts the search at the answer."""


@dataclass(frozen=True)
class Result:
    """One file: what it was asked for, its bytes, and what it decodes to."""

    setting: str
    size: int
    error: float
    decoded: NDArray[np.float64]

    @property
    def bpc(self) -> float:
        """Bits per coordinate of the whole file."""
        return 8 * self.size / self.decoded.size


def best(method: str, matrix: NDArray[Any], bpc: float, folder: Path) -> Result | None:
    """Least error of a method within a size; None if none of its files is small enough.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    matrix : ndarray, shape (n, d)
        The matrix.
    bpc : float
        The size, in bits per coordinate.
    folder : Path
        Where files are written.
    """
    limit = math.floor(bpc * matrix.size / 8)
    path = folder / "a.lplr"
    if method == "engine":
        return _engine(matrix, bpc, limit, path)
    if method == "nq":
        # n d b bits of codes and some headers: b bits can fit only where b is below the size.
        depths = range(math.ceil(bpc) - 1, 0, -1)
        tried = (_direct(matrix, bits, path) for bits in depths)
        return next((result for result in tried if result.size <= limit), None)
    if method == "nq+":
        return _direct(matrix, math.ceil(bpc), path)
    found: Result | None = None
    for bits, bits_right in pairs():
        result = _factored(method, matrix, bits, bits_right, limit, path)
        if result is not None and (found is None or result.error < found.error):
            found = result
    return found


def pairs() -> Iterator[tuple[int, int]]:
    """Bits per entry of the left and right factor: equal, or the right one in 8 bits."""
    for bits in (1, 2, 4, 8):
        for bits_right in sorted({bits, 8}):
            yield bits, bits_right


def _engine(matrix: NDArray[Any], bpc: float, limit: int, path: Path) -> Result | None:
    try:
        compressed = lplrcli.compress(matrix, bpc=bpc)
    except TargetUnreachableError:
        return None
    compressed.save(path)
    size = path.stat().st_size
    if size > limit:
        raise RuntimeError(f"the engine wrote {size} bytes where {limit} were allowed")
    return _result(matrix, path, f"r={compressed.rank}" if compressed.rank else "direct")


def _direct(matrix: NDArray[Any], bits: int, path: Path) -> Result:
    lplrcli.compress(matrix, bits=bits, method="nq").save(path)
    return _result(matrix, path, f"b={bits}")


def _factored(
    method: str, matrix: NDArray[Any], bits: int, bits_right: int, limit: int, path: Path
) -> Result | None:
    """With the largest rank that fits."""
    per_rank = (matrix.shape[0] * bits + matrix.shape[1] * bits_right) / 8
    key = (method, matrix.shape, matrix.dtype, bits, bits_right, limit)
    # Without headers this many would fit, so never more; then down by what is too much.
    rank = _ranks.get(key, min(math.floor(limit / per_rank), *matrix.shape))
    while rank >= 1:
        lplrcli.compress(matrix, rank=rank, bits=bits, bits_right=bits_right, method=method).save(
            path
        )
        excess = path.stat().st_size - limit
        if excess <= 0:
            _ranks[key] = rank
            return _result(matrix, path, f"r={rank}, b={bits}/{bits_right}")
        rank -= math.ceil(excess / per_rank)
    return None


def _result(matrix: NDArray[Any], path: Path, setting: str) -> Result:
    with lplrcli.open(path) as compressed:
        decoded = np.asarray(compressed).astype(np.float64)
    original = matrix.astype(np.float64)
    error = float(np.linalg.norm(original - decoded) / np.linalg.norm(original))
    return Result(setting, path.stat().st_size, error, decoded)


def add_options(parser: argparse.ArgumentParser, sizes: tuple[float, ...] = SIZES) -> None:
    """Options of every script of this folder."""
    parser.add_argument(
        "--bpc", type=float, nargs="+", default=sizes, metavar="X",
        help=f"sizes, in bits per coordinate [default: {' '.join(f'{x:g}' for x in sizes)}]",
    )  # fmt: skip
    parser.add_argument(
        "--methods", nargs="+", default=METHODS, choices=METHODS, metavar="NAME",
        help=f"some of {' '.join(METHODS)} [default: all]",
    )  # fmt: skip
    parser.add_argument("--no-engine", action="store_true", help="the paper's methods only")


def methods(options: argparse.Namespace) -> list[str]:
    """Methods asked for, in the order of the tables."""
    return [
        method
        for method in METHODS
        if method in options.methods and not (method == "engine" and options.no_engine)
    ]


def cells(result: Result | None) -> str:
    """Setting, bytes, bits per coordinate and error, as cells of a Markdown table."""
    if result is None:
        return "– | – | – | –"
    return f"{result.setting} | {result.size} | {result.bpc:.3f} | {result.error:.4g}"
