"""Fixed-width codes: no table and no state; every component of a chunk lies at a known place."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.model.compressed import QuantizedFactor


def run_bytes(bits: int, rows: int) -> int:
    """Bytes of one component's run in a chunk of `rows` rows."""
    return (bits * rows + 7) // 8


class PackedCoding:
    """Coding with a fixed number of bits per code (SPEC.md, section "packed").

    Parameters
    ----------
    bits : ndarray of uint8, shape (components,)
        Bits per code of each component.

    Examples
    --------
    >>> import numpy as np
    >>> coding = PackedCoding(np.array([2, 4], np.uint8))
    >>> codes = [np.array([3, 0, 1], np.uint16), np.array([15, 7, 8], np.uint16)]
    >>> payload = coding.encode_chunk(codes)
    >>> len(payload)  # 1 byte of 2-bit codes, 2 bytes of 4-bit codes
    3
    >>> [run.tolist() for run in coding.decode_chunk(payload, rows=3)]
    [[3, 0, 1], [15, 7, 8]]
    """

    def __init__(self, bits: NDArray[Any]) -> None:
        self.bits = bits

    @classmethod
    def of(cls, factor: QuantizedFactor) -> PackedCoding:
        """Build the coding of a factor from its bit depths."""
        return cls(np.frombuffer(factor.coding_parameters, np.uint8))

    def encode_chunk(self, codes: Sequence[NDArray[Any]]) -> bytes:
        """Pack the codes of one chunk.

        Parameters
        ----------
        codes : sequence of ndarray of uint16, each of shape (rows,)
            One array per component.

        Returns
        -------
        bytes
            One run per component, each of whole bytes.
        """
        # Decoding must not wait for Numba; only the encoder imports the kernels.
        from lplrcli.kernels.packing import pack_codes

        runs = []
        for values, width in zip(codes, self.bits.tolist(), strict=True):
            run = np.empty(run_bytes(width, values.size), np.uint8)
            pack_codes(values, width, run)
            runs.append(run.tobytes())
        return b"".join(runs)

    def decode_chunk(self, payload: bytes, rows: int) -> list[NDArray[Any]]:
        """Unpack the codes of one chunk.

        Parameters
        ----------
        payload : bytes
            Result of `encode_chunk`; a chunk of a file was checked when it was read.
        rows : int
            Codes per component.

        Returns
        -------
        list of ndarray of uint8 or uint16, each of shape (rows,)
            Codes of each component.
        """
        data = np.frombuffer(payload, np.uint8)
        codes = []
        start = 0
        for width in self.bits.tolist():
            stop = start + run_bytes(width, rows)
            codes.append(_unpack(data[start:stop], width, rows))
            start = stop
        return codes


def _unpack(run: NDArray[np.uint8], bits: int, rows: int) -> NDArray[Any]:
    """Unpack one run: eight codes fill `bits` bytes, so eight columns of shifts suffice."""
    if bits in (8, 16):
        return run.view("<u1" if bits == 8 else "<u2")
    if 8 % bits == 0:
        return _codes_of_bytes(bits)[run].view(np.uint8)[:rows]
    groups = -(-rows // 8)
    padded = np.zeros((groups, 8 if bits < 8 else bits + 2), np.uint8)
    whole = run.size // bits
    padded[:whole, :bits] = run[: whole * bits].reshape(whole, bits)
    if whole < groups:
        padded[whole, : run.size - whole * bits] = run[whole * bits :]
    codes = np.empty((groups, 8), np.uint8 if bits < 8 else np.uint16)
    mask = (1 << bits) - 1
    if bits < 8:
        words = padded.view("<u8")[:, 0]
        for j in range(8):
            codes[:, j] = (words >> np.uint64(j * bits)) & np.uint64(mask)
    else:
        wide = padded.astype(np.uint32)
        for j in range(8):
            byte, shift = divmod(j * bits, 8)
            window = wide[:, byte] | wide[:, byte + 1] << 8 | wide[:, byte + 2] << 16
            codes[:, j] = (window >> shift) & mask
    return codes.reshape(-1)[:rows]


@cache
def _codes_of_bytes(bits: int) -> NDArray[Any]:
    """Make a table from a byte to its codes of 1, 2 or 4 bits, a byte each, read as one integer."""
    codes = np.arange(256, dtype=np.uint8)[:, None] >> np.arange(0, 8, bits, dtype=np.uint8)
    return (codes & np.uint8((1 << bits) - 1)).view(f"u{8 // bits}")[:, 0]
