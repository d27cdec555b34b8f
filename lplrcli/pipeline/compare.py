"""Every method at the same file sizes, on one matrix: sizes and errors are measured, not modelled.

A method of the paper, and the packed engine, has a rank and two depths to choose. Every pair of
depths in a small grid is tried with the largest rank whose file fits; the least error counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lplrcli.container.writer import container_size
from lplrcli.errors import TargetUnreachableError
from lplrcli.linalg.passes import Passes
from lplrcli.model.compressed import Factorization
from lplrcli.model.plan import METHODS
from lplrcli.model.source import MatrixSource
from lplrcli.pipeline.compress import carried_out, first_plan
from lplrcli.pipeline.engines.paper import SVD_ENTRIES

COMPARED = (*METHODS[2:], "packed", "rate-distortion")
"""The methods of the paper first, the engines last."""

_DEPTHS = (1, 2, 4, 8)
_RIGHT_DEPTH = 8
"""Of R, as the paper's experiments have it, beside the depth of L."""

_SVD_PRODUCTS = 10**11
"""n d min(n, d) up to which the full decomposition of ``lsvd`` and ``dsvd`` is awaited: minutes."""

_OVERHEAD = 600
"""Bytes of headers, at least."""

_ATTEMPTS = 8


@dataclass(frozen=True)
class Entry:
    """The best file of one method within one size.

    Attributes
    ----------
    method : str
        One of `COMPARED`.
    bpc : float
        The size asked, in bits per coordinate.
    file_bytes : int
        Of the file.
    relative_error : float
        Measured on what it decodes to.
    mode : str
        One of `lplrcli.model.plan.MODES`.
    rank : int
        Most components, as asked for; those stored for ``rate-distortion``; 0 without factors.
    bits, bits_right : int or None
        Depths asked for; None for ``rate-distortion``.
    """

    method: str
    bpc: float
    file_bytes: int
    relative_error: float
    mode: str
    rank: int
    bits: int | None
    bits_right: int | None


class Comparison:
    """Methods compared on one matrix.

    Parameters
    ----------
    source : MatrixSource
        The matrix A (n x d).
    threads : int
        No figure depends on it.
    name : str or None
        Name of the matrix in the files, of which none is written.
    """

    def __init__(self, source: MatrixSource, threads: int, name: str | None) -> None:
        self.source = source
        self.threads = threads
        self.name = name
        self._passes = Passes(source, threads)
        self._ranks: dict[tuple[int, int, int], int] = {}

    def refusal(self, method: str) -> str | None:
        """Why a method is not tried on this matrix; None if it is."""
        entries = math.prod(self.source.shape)
        products = entries * min(self.source.shape)
        if method in ("lsvd", "dsvd") and (entries > SVD_ENTRIES or products > _SVD_PRODUCTS):
            return "skipped: the matrix is too large for a full singular value decomposition"
        return None

    def best(self, method: str, bpc: float) -> Entry | None:
        """The least error of a method within a size; None if none of its files is so small."""
        limit = math.floor(bpc * math.prod(self.source.shape) / 8)
        found: Factorization | None = None
        for candidate in self._candidates(method, limit):
            if found is None or _error(candidate) < _error(found):
                found = candidate
        if found is None:
            return None
        target = found.plan.target
        return Entry(
            method=method,
            bpc=bpc,
            file_bytes=self._size(found),
            relative_error=_error(found),
            mode=found.plan.mode,
            rank=target.rank or found.rank,
            bits=target.bits,
            bits_right=None if method == "nq" else target.bits_right,
        )

    def _candidates(self, method: str, limit: int) -> Iterator[Factorization]:
        if method == "rate-distortion":
            try:
                yield self._made(method=method, size=max(limit, 1))
            except TargetUnreachableError:
                return
        elif method == "nq":
            # n d b bits of codes and some headers.
            most = min(8 * (limit - _OVERHEAD // 2) // math.prod(self.source.shape), 16)
            for bits in range(most, 0, -1):
                made = self._made(method=method, bits=bits)
                if self._size(made) <= limit:
                    yield made
                    return
        else:
            for bits, bits_right in _grid(method):
                fitting = self._fitting(method, bits, bits_right, limit)
                if fitting is not None:
                    yield fitting

    def _fitting(self, method: str, bits: int, bits_right: int, limit: int) -> Factorization | None:
        """With the largest rank whose file fits.

        The size depends on rank and depths alone, up to the few bytes that metadata differ by,
        so that one method tells the others where to start.
        """
        rows, columns = self.source.shape
        per_rank = (rows * bits + columns * bits_right) / 8
        possible = min(self.source.shape)
        start = min(math.floor((limit - _OVERHEAD) / per_rank), possible)
        rank = self._ranks.get((bits, bits_right, limit), start)
        best: Factorization | None = None
        beyond = possible + 1
        for _ in range(_ATTEMPTS):
            if rank < 1:
                break
            made = self._made(method=method, rank=rank, bits=bits, bits_right=bits_right)
            room = limit - self._size(made)
            if room < 0:
                beyond = min(beyond, rank)
                rank -= math.ceil(-room / per_rank)
                if best is not None:
                    break
                continue
            best = made
            self._ranks[bits, bits_right, limit] = rank
            more = min(rank + math.floor(room / per_rank), beyond - 1)
            # What the packed engine leaves is not what a further component would need.
            if more <= rank or method == "packed":
                break
            rank = more
        return best

    def _made(self, **asked: Any) -> Factorization:
        plan = first_plan(self.source.shape, self.source.dtype, **asked)
        return carried_out(self._passes, plan, self.threads, self.name)

    def _size(self, factorization: Factorization) -> int:
        return container_size([factorization], names=[self.name])


def _grid(method: str) -> Iterator[tuple[int, int]]:
    """Depths of L and R that are tried; those of ``packed`` are means, and it divides them."""
    for bits in _DEPTHS:
        yield bits, bits
        if bits < _RIGHT_DEPTH and method != "packed":
            yield bits, _RIGHT_DEPTH


def _error(factorization: Factorization) -> float:
    return factorization.report.relative_frobenius_error
