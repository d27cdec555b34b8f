"""Entropy-coded codes: rANS with static tables, by class of component and context."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.coding.entropy_model import EntropyModel
from lplrcli.errors import CorruptSectionError
from lplrcli.model.compressed import QuantizedFactor
from lplrcli.model.rans_constants import AROUND, LANES, TOKENS, TOTAL, lines_of


def levels_of(codes: NDArray[Any], context: int, lines: tuple[int, int]) -> NDArray[np.uint8]:
    """Contexts of the entries of a chunk that are known before it is coded, if of that kind.

    Parameters
    ----------
    codes : ndarray of int32, shape (components, rows)
        The chunk.
    context : int
        Kind of context.
    lines : tuple of int
        Entries of a line, and lines of a plane, of the grid of the chunk.
    """
    from lplrcli.kernels.contexts import levels_around

    if context < AROUND:
        return np.empty((0, 0), np.uint8)
    levels = np.empty(codes.shape, np.uint8)
    levels_around(codes, context, lines, levels)
    return levels


class RansCoding:
    """Chunks of codes to bytes and back (SPEC.md, section "rans").

    Parameters
    ----------
    model : EntropyModel
        Static tables.
    grid : tuple of int
        That of the factor; contexts of the kind `AROUND` and those after it depend on it.
    """

    def __init__(self, model: EntropyModel, grid: tuple[int, ...]) -> None:
        self.model = model
        self.lines = lines_of(grid)

    @classmethod
    def of(cls, factor: QuantizedFactor) -> RansCoding:
        """The coding of a factor, with its tables."""
        return cls(EntropyModel.from_bytes(factor.tables, factor.components), factor.grid)

    def encode_chunk(self, codes: NDArray[Any]) -> bytes:
        """Bytes of a chunk.

        Parameters
        ----------
        codes : ndarray of int32, shape (components, rows)
            Every code has a frequency in its table; of a trellis, a parity that its machine gives.
        """
        from lplrcli.kernels.rans import encode_lanes

        model = self.model
        codes = np.ascontiguousarray(codes)
        levels = levels_of(codes, model.context, self.lines)
        words = np.empty(3 * codes.size, np.uint16)
        states = np.empty(LANES, np.uint32)
        place = encode_lanes(
            *(codes, model.table_numbers, model.unions, model.context),
            *(levels, model.frequencies, model.starts, words, states),
        )
        return states.astype("<u4").tobytes() + words[place:].astype("<u2").tobytes()

    def decode_chunk(self, payload: bytes, rows: int) -> NDArray[Any]:
        """Codes of a chunk, int32, shape (components, rows).

        Raises
        ------
        CorruptSectionError
            The chunk does not end in the state that every chunk ends in.
        """
        from lplrcli.kernels.rans import decode_lanes

        model = self.model
        states = np.frombuffer(payload, "<u4", LANES).astype(np.uint32)
        words = np.frombuffer(payload, "<u2", offset=4 * LANES).astype(np.uint16)
        codes = np.empty((len(model.classes), rows), np.int32)
        whole = decode_lanes(
            *(words, states, model.table_numbers, model.taps, model.context),
            *(self.lines, *self._lookup, codes),
        )
        if not whole:
            raise CorruptSectionError(
                "a chunk does not decode to its end",
                found=f"{len(payload)} bytes",
                expected=f"the codes of {rows} rows",
            )
        return codes

    @cached_property
    def _lookup(self) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
        """Token of each slot; frequency and cumulative frequency of each token, in one integer."""
        frequencies = self.model.frequencies
        tokens = np.arange(TOKENS, dtype=np.uint8)
        symbols = np.array([np.repeat(tokens, f) for f in frequencies], np.uint8)
        return symbols.reshape(-1, TOTAL), frequencies << np.uint32(16) | self.model.starts
