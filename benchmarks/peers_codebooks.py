"""Peers that store indices of levels or centroids: scalar and product quantization.

Used by `rate_distortion.py`; see `peers.py`.
"""

from __future__ import annotations

import lzma
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, ClassVar

import numpy as np
import zstandard
from numpy.typing import NDArray
from peers import Coding, Decoded, Peer, Task, finest


class Scalar(Peer):
    """A uniform step on the entries and an entropy coder.

    The size is the order-0 entropy and 2 bytes for every symbol that occurs; 2 more where each
    symbol stands for the mean of its entries, a float16, instead of the middle of its step.
    zstd and lzma are asked too: they see more than order 0.
    """

    FINE = 64
    CODERS: ClassVar[dict[str, Callable[[bytes], bytes]]] = {
        "zstd": lambda data: zstandard.compress(data, 19),
        "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    }

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.sizes: dict[tuple[str, int], int] = {}

    def _symbols(self, k: int) -> tuple[float, NDArray[Any], NDArray[Any], NDArray[Any]]:
        step = self.task.rms * 2 ** (k / self.FINE)
        found = np.rint(self.task.matrix.ravel() / step).astype(np.int64)
        low = int(found.min())
        if int(found.max()) - low >= 1 << 22:
            return step, *np.unique(found, return_inverse=True, return_counts=True)
        found -= low
        counts = np.bincount(found)
        rank = np.cumsum(counts > 0) - 1
        present = np.flatnonzero(counts)
        return step, present + low, rank[found], counts[present]

    def _size(self, coder: str, k: int) -> int:
        if (coder, k) not in self.sizes:
            _, values, inverse, counts = self._symbols(k)
            if coder in self.CODERS:
                dtype = np.min_scalar_type(len(values) - 1)
                size = len(self.CODERS[coder](inverse.astype(dtype).tobytes()))
            else:
                size = int(np.ceil((counts * np.log2(counts.sum() / counts)).sum() / 8))
            self.sizes[coder, k] = size + (4 if coder == "entropy, means" else 2) * len(values)
        return self.sizes[coder, k]

    def _code(self, coder: str, k: int) -> tuple[int, Decoded]:
        step, values, inverse, counts = self._symbols(k)
        levels = values.astype(np.float64)
        if coder == "entropy, means":
            sums = np.bincount(inverse, self.task.matrix.ravel() / step)
            levels += (sums / counts - values).astype(np.float16)
        return self._size(coder, k), (step * levels)[inverse].reshape(self.task.matrix.shape)

    def candidates(self, budget: int) -> Iterator[tuple[str, Coding]]:
        """Of each coder the smallest step that fits."""
        low, start = -20 * self.FINE, None
        for coder in ("entropy", "entropy, means", *self.CODERS):
            if coder not in self.CODERS:
                k = start = finest(partial(self._size, coder), low, 4 * self.FINE, budget)
            elif start is None or self._size(coder, start) > budget:
                # No better than the entropy here, so its step would be a coarser one.
                continue
            else:
                k = finest(partial(self._size, coder), low, start, budget)
            if k is not None:
                step = f"step {self.task.rms * 2 ** (k / self.FINE):.4g}"
                yield f"{coder}, {step}", partial(self._code, coder, k)


class ProductQuantization(Peer):
    """faiss PQ, trained on the matrix: M codes of some bits a row, and float32 codebooks."""

    BITS = range(4, 11)

    def _extra(self) -> int:
        return 0

    def _size(self, parts: int, bits: int) -> int:
        rows, columns = map(int, self.task.matrix.shape)
        codes, books = -(-rows * parts * bits // 8), 4 * columns << bits
        return codes + books + self._extra()

    def _quantizer(self, parts: int, bits: int) -> Any:
        import faiss

        quantizer = faiss.ProductQuantizer(self.task.matrix.shape[1], parts, bits)
        # The default trains on 256 rows for each centroid; all rows are better.
        quantizer.cp.max_points_per_centroid = len(self.task.matrix)
        quantizer.cp.min_points_per_centroid = 1
        return quantizer

    def _code(self, parts: int, bits: int) -> tuple[int, Decoded]:
        quantizer = self._quantizer(parts, bits)
        quantizer.train(self.task.single)
        codes = quantizer.compute_codes(self.task.single)
        return self._size(parts, bits), quantizer.decode(codes)

    def _settings(self, budget: int) -> Iterator[tuple[int, int]]:
        rows, columns = self.task.matrix.shape
        most = 0
        for bits in reversed(self.BITS):
            fitting = [
                parts
                for parts in range(1, columns + 1)
                if columns % parts == 0 and self._size(parts, bits) <= budget and 2**bits <= rows
            ]
            # As many codes as fit, and fewer bits only for more codes than more bits allow.
            if fitting and fitting[-1] > most:
                most = fitting[-1]
                yield most, bits

    def candidates(self, budget: int) -> Iterator[tuple[str, Coding]]:
        """For each number of bits as many codes as fit."""
        for parts, bits in self._settings(budget):
            yield self.setting(parts, bits)

    def setting(self, parts: int, bits: int) -> tuple[str, Coding]:
        """What they are called, and how to code with them."""
        return f"M {parts}, {bits} bits", partial(self._code, parts, bits)


class RotatedProductQuantization(ProductQuantization):
    """faiss OPQ: PQ after a learned rotation, which is stored too, in float32.

    Training is slow: only the setting at which PQ has the least error is tried.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.plain = ProductQuantization(task)

    def _extra(self) -> int:
        columns: int = self.task.matrix.shape[1]
        return 4 * columns**2

    def _code(self, parts: int, bits: int) -> tuple[int, Decoded]:
        import faiss

        rotation = faiss.OPQMatrix(self.task.matrix.shape[1], parts)
        rotation.pq = self._quantizer(parts, bits)
        rotation.train(self.task.single)
        rotated = rotation.apply(self.task.single)
        quantizer = self._quantizer(parts, bits)
        quantizer.train(rotated)
        decoded = quantizer.decode(quantizer.compute_codes(rotated))
        return self._size(parts, bits), rotation.reverse_transform(decoded)

    def _settings(self, budget: int) -> Iterator[tuple[int, int]]:
        found = list(super()._settings(budget))
        if len(found) > 1:
            found.sort(key=lambda setting: self.plain.measured(*self.plain.setting(*setting)).error)
        yield from found[:1]
