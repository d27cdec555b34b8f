"""A Tucker compressor, as a baseline for those that no maintained package offers (TTHRESH).

Used by `snapshots.py`. The higher-order SVD of Ballester-Ripoll et al. (TTHRESH, 2019) with its
whole core, quantized by one step, and the columns of each factor, quantized so that they add as
much error for a bit as the core does. Where TTHRESH codes bit planes, an adaptive entropy coder
is taken to reach the entropy: the norms of slices, which are stored, tell orders of magnitude,
and every order has frequencies of its own, whose bytes are added.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce

import numpy as np
from numpy.typing import NDArray
from peers import Decoded
from peers_families import Family, FieldPeer, FieldTask, Values

Array = NDArray[np.float64]


def product(tensor: Array, matrix: Array, axis: int) -> Array:
    """Multiply every fibre along an axis from the left."""
    return np.moveaxis(np.tensordot(matrix, tensor, (1, axis)), 0, axis)


def outer(vectors: list[Array]) -> Array:
    """The tensor of all products of an entry of each."""
    return reduce(np.multiply.outer, vectors)


class Tucker(FieldPeer):
    """Higher-order SVD, core and factors quantized by one step, ideal entropy coding."""

    FINE = 32
    # A core entry smaller than this many steps is dropped: dropping saves more than it loses.
    DEAD = 0.62
    HEADER = 16

    def __init__(self, task: FieldTask) -> None:
        self.view = "2-D" if task.grid is None else "3-D"
        tensor = task.views[self.view].astype(np.float64)
        self.factors, self.norms = [], []
        for axis, side in enumerate(tensor.shape):
            unfolded = np.moveaxis(tensor, axis, 0).reshape(side, -1)
            squares, vectors = np.linalg.eigh(unfolded @ unfolded.T)
            self.factors.append(vectors[:, ::-1])
            norms = np.sqrt(np.maximum(squares[::-1], 0))
            # As they are stored.
            self.norms.append(norms.astype(np.float16).astype(np.float64))
        self.core = tensor
        for axis, factor in enumerate(self.factors):
            self.core = product(self.core, factor.T, axis)
        super().__init__(task)

    def _quantized(self, values: Array, step: float) -> NDArray[np.int64]:
        magnitude = np.floor(np.abs(values) / step + 1 - self.DEAD).astype(np.int64)
        return np.where(values < 0, -magnitude, magnitude)

    @staticmethod
    def _bytes(codes: NDArray[np.int64], scale: Array) -> int:
        """What codes take, each order of magnitude with frequencies of its own.

        Those that were counted, at 2 bytes for each symbol, or a two-sided geometric law, at 2
        bytes for its mean: whichever is less.
        """
        found = np.rint(2 * np.log2(np.maximum(scale, 1e-9))).astype(np.int64)
        _, orders = np.unique(found.ravel(), return_inverse=True)
        codes = codes.ravel()
        members = np.bincount(orders)
        span = 2 * int(np.abs(codes).max()) + 1
        symbols, counts = np.unique(orders * span + codes + span // 2, return_counts=True)
        counted = members * np.log2(members) + 16 * np.bincount(symbols // span)
        counted -= np.bincount(symbols // span, counts * np.log2(counts))
        mean = np.maximum(np.bincount(orders, np.abs(codes)) / members, 1e-9)
        ratio = mean / (1 + np.sqrt(1 + mean**2))
        geometric = members * (np.log2((1 + ratio) / (1 - ratio)) - mean * np.log2(ratio)) + 16
        return int(np.ceil(np.minimum(counted, geometric).sum() / 8))

    def _code(self, values: Values, setting: int) -> tuple[int, Decoded]:
        step = self.task.rms * 2 ** (-setting / self.FINE)
        ranks = [int((norms > self.DEAD * step).sum()) for norms in self.norms]
        kept = self._quantized(self.core[tuple(map(slice, ranks))], step)
        # Slices at the end that hold no code take their columns with them.
        for axis in range(kept.ndim):
            others = tuple(other for other in range(kept.ndim) if other != axis)
            used = np.flatnonzero(np.abs(kept).max(axis=others, initial=0))
            ranks[axis] = int(used[-1]) + 1 if len(used) else 0
            kept = kept[tuple(map(slice, ranks))]
        if not kept.size:
            return self.HEADER, np.zeros(values.shape)
        norms = [norms[:rank] for norms, rank in zip(self.norms, ranks, strict=True)]
        whole = self.task.norm
        size = self.HEADER + 2 * sum(ranks)
        size += self._bytes(kept, outer([norm / whole for norm in norms]) * whole / step)
        decoded = kept * step
        for axis, (factor, scale) in enumerate(zip(self.factors, norms, strict=True)):
            codes = np.rint(factor[:, : len(scale)] * (scale / step)).astype(np.int64)
            size += self._bytes(codes, np.broadcast_to(scale / step, codes.shape))
            decoded = product(decoded, codes * (step / scale), axis)
        return size, decoded

    def families(self) -> Iterator[Family]:
        """Steps from the norm of all entries downwards."""
        coarsest = -int(self.FINE * np.log2(self.task.norm / self.task.rms))
        yield Family(
            self.view, "step ", self._code,
            lambda k: f"{self.task.rms * 2 ** (-k / self.FINE):.4g}",
            range(coarsest, 20 * self.FINE), self.field.far * self.FINE // 4,
        )  # fmt: skip
