"""Peers that store factors: truncated SVD and the paper's methods. And the list of all peers.

Used by `rate_distortion.py`; see `peers.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray
from peers import Coding, Decoded, Peer, Sz3, Zfp
from peers_codebooks import ProductQuantization, RotatedProductQuantization, Scalar


class HalfSvd(Peer):
    """Truncated SVD, both factors times the square roots of the values, in float16."""

    def _code(self, rank: int) -> tuple[int, Decoded]:
        u, sigma, v = (part[..., :rank] for part in self.task.svd)
        left, right = (
            (side * np.sqrt(sigma)).astype(np.float16).astype(np.float64) for side in (u, v)
        )
        return 2 * (left.size + right.size), left @ right.T

    def candidates(self, budget: int) -> Iterator[tuple[str, Coding]]:
        """As many components as fit."""
        shape = self.task.matrix.shape
        rank = min(budget // (2 * sum(shape)), *shape)
        if rank:
            yield f"rank {rank}", partial(self._code, rank)


class IntegerSvd(Peer):
    """Truncated SVD in integers, a scale for each column.

    A column of U and its column of V share one float32, since only the product of their scales
    matters, and it is the best for the rounded columns. Each column is clipped where that leaves
    it closest, in angle, to what it was.
    """

    bits = 0
    CLIPS = np.linspace(0.4, 1, 13)

    def _rounded(self, side: NDArray[np.float64]) -> NDArray[np.float64]:
        top = 2 ** (self.bits - 1) - 1
        closest = np.zeros_like(side)
        cosine = np.full(side.shape[1], -1.0)
        for clip in self.CLIPS:
            step = clip * np.abs(side).max(axis=0) / top
            codes = np.clip(np.rint(side / step), -top, top)
            found = (codes * side).sum(axis=0) / np.linalg.norm(codes, axis=0)
            better = found > cosine
            closest[:, better] = codes[:, better]
            cosine[better] = found[better]
        return closest

    @cached_property
    def _factors(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]:
        u, sigma, v = self.task.svd
        left, right = self._rounded(u), self._rounded(v)
        scale = sigma * (u * left).sum(axis=0) * (v * right).sum(axis=0)
        scale /= (left**2).sum(axis=0) * (right**2).sum(axis=0)
        return left, right, scale.astype(np.float32)

    def _code(self, rank: int) -> tuple[int, Decoded]:
        left, right, scale = (part[..., :rank] for part in self._factors)
        size, sides = scale.nbytes, []
        for side in (left, right):
            data = pack(side.astype(np.int8), self.bits)
            size += len(data)
            sides.append(unpack(data, self.bits, side.shape).astype(np.float64))
        return size, (sides[0] * scale) @ sides[1].T

    def candidates(self, budget: int) -> Iterator[tuple[str, Coding]]:
        """As many components as fit."""
        shape = self.task.matrix.shape
        rank = min(int(budget / (sum(shape) * self.bits / 8 + 4)), *shape)
        if rank:
            yield f"rank {rank}", partial(self._code, rank)


def pack(codes: NDArray[np.int8], bits: int) -> bytes:
    """Integers of 8 bits as they are, of 4 bits two a byte."""
    if bits == 8:
        return codes.tobytes()
    flat = np.append(codes.ravel(), np.zeros(codes.size % 2, np.int8)).view(np.uint8) & 15
    return (flat[::2] | flat[1::2] << 4).tobytes()


def unpack(data: bytes, bits: int, shape: tuple[int, ...]) -> NDArray[np.int8]:
    """Undo `pack`."""
    flat = np.frombuffer(data, np.uint8)
    if bits == 4:
        flat = np.stack([flat << 4, flat & 0xF0], axis=1).ravel()[: int(np.prod(shape))]
        return (flat.view(np.int8) >> 4).reshape(shape)
    return flat.view(np.int8).reshape(shape)


class ByteSvd(IntegerSvd):
    """Truncated SVD in int8."""

    bits = 8


class NibbleSvd(IntegerSvd):
    """Truncated SVD in int4."""

    bits = 4


class Paper(Peer):
    """A method of the paper, as published, by ``--method``; sizes are those of whole files."""

    method = "lplr"
    BITS = (8, 6, 4, 3, 2, 1)

    def _code(self, rank: int | None, bits: int, bits_right: int | None) -> tuple[int, Decoded]:
        import lplrcli

        out = self.task.scratch / "paper.lplr"
        lplrcli.compress(
            self.task.path, rank=rank, bits=bits, bits_right=bits_right, method=self.method
        ).save(out)
        with lplrcli.open(out) as compressed:
            return out.stat().st_size, np.asarray(compressed, np.float64)

    def _setting(self, rank: int, bits: int, bits_right: int) -> tuple[str, Coding]:
        name = f"rank {rank}, bits {bits}" + (f" and {bits_right}" if bits != bits_right else "")
        return name, partial(self._code, rank, bits, bits_right)

    def candidates(self, budget: int) -> Iterator[tuple[str, Coding]]:
        """For each pair of depths as many components as fit."""
        n, d = self.task.matrix.shape
        # Of a file with one component of one bit, nearly all is what every file has.
        fixed = self.measured(*self._setting(1, 1, 1)).size - (n + d) // 8
        for right in (None, 8):
            least = np.inf
            for bits in self.BITS:
                other = right or bits
                rank = min(int(8 * (budget - fixed) / (n * bits + d * other)), n, d)
                while rank > 0 and self.measured(*self._setting(rank, bits, other)).size > budget:
                    rank -= 1
                if rank > 0:
                    yield self._setting(rank, bits, other)
                    error = self.measured(*self._setting(rank, bits, other)).error
                    if error > 1.5 * least:
                        # Too coarse; and fewer bits are coarser still.
                        break
                    least = min(error, least)
                # With fewer bits the rank could not be higher.
                if rank == min(n, d):
                    break


class PaperLsvd(Paper):
    """SVD, both factors quantized."""

    method = "lsvd"


class PaperDsvd(Paper):
    """SVD, each factor quantized with its scale."""

    method = "dsvd"


class PaperNq(Paper):
    """The entries quantized, with as many bits as fit."""

    method = "nq"

    def candidates(self, budget: int) -> Iterator[tuple[str, Coding]]:
        """As many bits as fit."""
        for bits in range(16, 0, -1):
            # A cheap lower bound spares the files that are too large for sure.
            if self.task.matrix.size * bits // 8 <= budget:
                setting = f"bits {bits}", partial(self._code, None, bits, None)
                if self.measured(*setting).size <= budget:
                    yield setting
                    break


PEERS: dict[str, type[Peer]] = {
    "paper's lplr": Paper,
    "paper's lsvd": PaperLsvd,
    "paper's dsvd": PaperDsvd,
    "paper's nq": PaperNq,
    "SVD float16": HalfSvd,
    "SVD int8": ByteSvd,
    "SVD int4": NibbleSvd,
    "scalar": Scalar,
    "zfp": Zfp,
    "SZ3": Sz3,
    "PQ": ProductQuantization,
    "OPQ": RotatedProductQuantization,
}
EMBEDDINGS_ONLY = ("PQ", "OPQ")
