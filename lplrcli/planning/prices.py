"""What an integer costs: bits, at the price of a bit, for the quantizers' decisions."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from lplrcli.model.rans_constants import DIRECT, TOKENS

SPAN = 2048
"""Prices are tabulated for integers up to this, see `lplrcli.kernels.trellis`."""

TRELLIS_PRICE = 0.40
"""Of a bit, in squared units: the slope of the distortion of a trellis, 2 ln 2 times 0.26, is
0.36; anything from 0.3 to 0.5 costs less than half a percent."""

SCALAR_PRICE = 0.13
"""Likewise for a scalar quantizer: 2 ln 2 / 12 is 0.12."""


@cache
def tokens() -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Token and number of extra bits of the integers k from -SPAN to SPAN (SPEC.md, "rans")."""
    from lplrcli.kernels.rans import token_of

    token = np.array([token_of(k) for k in range(-SPAN, SPAN + 1)], np.int64)
    return token, extra_bits()[token]


@cache
def extra_bits() -> NDArray[np.float64]:
    """Bits that follow each token."""
    bucket = (np.arange(TOKENS) + 1) // 2
    return np.where(bucket >= DIRECT, (bucket - DIRECT) // 4 + 2.0, 0.0)


@cache
def normal_counts(log2_deviation: float, unions: int) -> NDArray[np.float64]:
    """Probabilities of the tokens of a normal variable, shape (unions, 231)."""
    token, _ = tokens()
    k = np.arange(-SPAN, SPAN + 1)
    out = np.zeros((unions, TOKENS))
    for union in range(unions):
        density = np.exp2(-0.7213 * ((unions * k + union) / 2.0**log2_deviation) ** 2)
        out[union] = np.bincount(token, density / density.sum(), TOKENS)
    return out


def prices(counts: NDArray[np.float64], price: float) -> NDArray[np.float32]:
    """Price of the integers from -SPAN to SPAN given how often tokens occur.

    Parameters
    ----------
    counts : ndarray, shape (classes, unions, 231)
        Of the tokens of k, where the integer is ``unions * k + union``.
    price : float
        Of a bit, in squared units.

    Returns
    -------
    ndarray of float32, shape (classes, 4097)
    """
    classes, unions, _ = counts.shape
    share = (counts + 1e-9) / (counts + 1e-9).sum(axis=2, keepdims=True)
    # All integers of a token cost the same.
    costs = np.asarray(price * (-np.log2(share) + extra_bits()), np.float32)
    return costs.reshape(classes, -1).take(_places(unions), axis=1)


@cache
def _places(unions: int) -> NDArray[np.int64]:
    """Place of the integers from -SPAN to SPAN among the tokens of all unions."""
    token, _ = tokens()
    q = np.arange(-SPAN, SPAN + 1)
    union = q % unions
    k = (q - union) // unions + SPAN
    return np.asarray(union * TOKENS + token[k])
