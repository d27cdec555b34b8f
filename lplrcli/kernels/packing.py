"""Integer codes to bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lplrcli.kernels.jit import kernel


@kernel
def pack_codes(codes: NDArray[np.uint16], bits: int, out: NDArray[np.uint8]) -> None:
    """Write codes of `bits` bits each, least significant bit first, into whole bytes.

    Parameters
    ----------
    codes : ndarray of uint16, shape (m,)
        Codes below ``2**bits``.
    bits : int
        1 to 16.
    out : ndarray of uint8, shape (ceil(m * bits / 8),)
        Receives the bytes; the bits after the last code are zero.
    """
    pending = np.uint64(0)
    width = np.uint64(0)
    position = 0
    for i in range(codes.size):
        pending |= np.uint64(codes[i]) << width
        width += np.uint64(bits)
        while width >= np.uint64(8):
            out[position] = np.uint8(pending & np.uint64(255))
            pending >>= np.uint64(8)
            width -= np.uint64(8)
            position += 1
    if width > np.uint64(0):
        out[position] = np.uint8(pending)
