"""A factor in codes of fixed width."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.coding import PackedCoding
from lplrcli.model.compressed import QuantizedFactor
from lplrcli.pipeline.decode.factors import logger
from lplrcli.quantize import CODEBOOKS, CodebookQuantizer
from lplrcli.runtime.parallel import ordered_map
from lplrcli.runtime.stages import counted
from lplrcli.runtime.workspace import KeptBytes


def encode_factor(
    factor: NDArray[Any],
    bits: NDArray[Any],
    quantizer: str,
    chunk_length: int,
    threads: int,
) -> QuantizedFactor:
    """Quantize and code a factor.

    Parameters
    ----------
    factor : ndarray, shape (components, length)
        Lᵀ or R.
    bits : ndarray of uint8, shape (components,)
        Depth of each component.
    quantizer : str
        Key of `CODEBOOKS`.
    chunk_length : int
        Entries per component in a chunk.
    threads : int
        Chunks are coded in parallel; their bytes do not depend on it.
    """
    started = time.perf_counter()
    length = factor.shape[1]
    grid = (length,)
    coefficients = np.ascontiguousarray(factor)
    fitted = CODEBOOKS[quantizer].fit(coefficients, bits, threads)
    starts = range(0, length if len(bits) else 0, chunk_length)
    encode = partial(_encode_chunk, coefficients, fitted, chunk_length)
    chunks = KeptBytes(counted(ordered_map(encode, starts, threads), len(starts)))
    logger.info(
        "coding a factor of %d x %d: %.2f s", length, len(bits), time.perf_counter() - started
    )
    return QuantizedFactor(
        length=length,
        components=len(bits),
        quantizer=quantizer,
        quantizer_parameters=fitted.parameters,
        coding="packed",
        coding_parameters=bits.astype(np.uint8).tobytes(),
        transform="identity",
        grid=grid,
        chunk_length=chunk_length,
        chunks=chunks,
    )


def _encode_chunk(
    coefficients: NDArray[Any], quantizer: CodebookQuantizer, chunk_length: int, start: int
) -> bytes:
    part = coefficients[:, start : start + chunk_length]
    codes = [quantizer.encode(i, values) for i, values in enumerate(part)]
    return PackedCoding(quantizer.bits).encode_chunk(codes)
