"""Further entries of a factor with codes of fixed width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.coding import PackedCoding
from lplrcli.container.chunks import ContinuedChunks
from lplrcli.model.compressed import QuantizedFactor
from lplrcli.pipeline.decode.factors import lengthened, rechunked
from lplrcli.quantize import CODEBOOKS
from lplrcli.runtime.parallel import ordered_map

_PART = 2**18
"""Entries of a component that codes are found of at a time."""


class PackedContinuation:
    """Codes of fixed width: every entry by itself, so that any parts will do."""

    def __init__(self, factor: QuantizedFactor, entries: int) -> None:
        self.factor = factor
        self.entries = entries
        self.ends = [*range(_PART, entries, _PART), entries]
        self._quantizer = CODEBOOKS[factor.quantizer].of(factor)
        self._coding = PackedCoding.of(factor)

    def quantize(self, number: int, values: NDArray[Any]) -> NDArray[Any]:
        """Codes of some entries, uint16."""
        return np.array([self._quantizer.encode(i, part) for i, part in enumerate(values)])

    def decoded(self, codes: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
        """The values of the codes."""
        out = np.empty(codes.shape, dtype)
        self._quantizer.decode(codes, slice(None), out)
        return out

    def finished(self, codes: Sequence[NDArray[Any]], threads: int) -> QuantizedFactor:
        """The factor with these codes after its own."""
        factor, size = self.factor, self.factor.chunk_length
        kept, rest = divmod(factor.length, size)
        before = [np.array(self._coding.decode_chunk(factor.chunks[kept], rest))] if rest else []
        parts = rechunked(chain(before, codes), size)
        encode = partial(_packed_chunk, self._coding)
        added = list(ordered_map(encode, parts, threads))
        whole = lengthened(factor, self.entries)
        return replace(whole, chunks=ContinuedChunks(factor.chunks, kept, added))


def _packed_chunk(coding: PackedCoding, codes: NDArray[Any]) -> bytes:
    return coding.encode_chunk([np.ascontiguousarray(part, np.uint16) for part in codes])
