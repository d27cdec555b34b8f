"""Factors to coded chunks and back: transform, quantize, code."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.coding import CODINGS, Coding
from lplrcli.container.chunks import chunk_rows, refusal_of
from lplrcli.errors import ContainerError
from lplrcli.model.compressed import QuantizedFactor
from lplrcli.quantize import QUANTIZERS, Quantizer
from lplrcli.runtime.parallel import ordered_map
from lplrcli.runtime.stages import counted
from lplrcli.runtime.workspace import workspace
from lplrcli.transform.component_layout import Layout
from lplrcli.transform.klt import orthonormal

logger = logging.getLogger(__name__)

Places = slice | NDArray[np.int64]
"""A range of entries with start and stop and step 1, or ascending places."""


def decode_factor(
    factor: QuantizedFactor,
    dtype: np.dtype[Any],
    start: int = 0,
    stop: int | None = None,
    threads: int = 1,
) -> NDArray[Any]:
    """Entries `start` to `stop` of every component, decoding only the chunks they lie in.

    Parameters
    ----------
    factor : QuantizedFactor
        What `encode_factor` made.
    dtype : numpy.dtype
        Type of the result; levels are rounded to it.
    start, stop : int
        Range of entries, within the factor.
    threads : int
        Chunks are decoded in parallel.

    Returns
    -------
    ndarray, shape (components, stop - start)

    Raises
    ------
    ContainerError
        If a chunk is damaged.
    """
    stop = factor.length if stop is None else stop
    out = workspace().empty((factor.components, stop - start), dtype)
    if out.size == 0:
        return out
    quantizer = QUANTIZERS[factor.quantizer].of(factor)
    coding = CODINGS[factor.coding].of(factor)
    numbers = range(start // factor.chunk_length, -(-stop // factor.chunk_length))
    layout = _layout_of(factor)
    decode = partial(_decode_chunk, factor, layout, coding, quantizer, start, out)
    for _ in counted(ordered_map(decode, numbers, threads), len(numbers)):
        pass
    return out


def decode_at(
    factor: QuantizedFactor, dtype: np.dtype[Any], places: Places, threads: int = 1
) -> NDArray[Any]:
    """Entries of every component at some places, decoding only the chunks they lie in.

    Parameters
    ----------
    factor, dtype, threads
        As for `decode_factor`.
    places : slice or ndarray of int64
        Which entries.

    Returns
    -------
    ndarray, shape (components, number of places)
    """
    if isinstance(places, slice):
        return decode_factor(factor, dtype, places.start, places.stop, threads)
    # A run of chunks without gaps is decoded at a time.
    gaps = np.flatnonzero(np.diff(places // factor.chunk_length) > 1) + 1
    parts = [
        decode_factor(factor, dtype, int(run[0]), int(run[-1]) + 1, threads)[:, run - run[0]]
        for run in np.split(places, gaps)
    ]
    return np.concatenate(parts, axis=1)


def _layout_of(factor: QuantizedFactor) -> Layout:
    if factor.basis is None:
        return Layout(factor.transform, factor.grid)
    stored = decode_factor(factor.basis, np.dtype(np.float64))
    return Layout(factor.transform, factor.grid, orthonormal(stored, factor.grid))


def _decode_chunk(
    factor: QuantizedFactor,
    layout: Layout,
    coding: Coding,
    quantizer: Quantizer,
    start: int,
    out: NDArray[Any],
    number: int,
) -> None:
    first = number * factor.chunk_length
    rows = chunk_rows(factor.length, factor.chunk_length, number)
    low, high = max(start, first), min(start + out.shape[1], first + rows)
    part = out[:, low - start : high - start]
    payload = factor.chunks[number]
    if not payload:  # lost, see RemainingChunks
        part[...] = np.nan
        return
    codes = decode_codes(factor, coding, number, payload)
    if not layout.transformed:
        quantizer.decode(codes, slice(low - first, high - first), part)
        return
    whole = np.empty((factor.components, rows))
    quantizer.decode(codes, slice(None), whole)
    # Entries of a hostile file may be beyond float32; they become infinite.
    with np.errstate(over="ignore"):
        part[...] = layout.inverse(whole)[:, low - first : high - first]


def decode_codes(factor: QuantizedFactor, coding: Coding, number: int, payload: bytes) -> Any:
    """Codes of a chunk, as its coding gives them.

    Raises
    ------
    ContainerError
        If the chunk is damaged; it says which section that is.
    """
    rows = chunk_rows(factor.length, factor.chunk_length, number)
    try:
        return coding.decode_chunk(payload, rows)
    except ContainerError as error:
        raise refusal_of(factor.chunks, number, error) from None
