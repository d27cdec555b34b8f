"""Coefficients to entropy-coded chunks: choose integers by rate and distortion, learn the tables.

The rates that the choice depends on are those of the tables, and the tables count the choice: one
round on a sample starts from the normal distribution, the second is the final one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from functools import partial
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.pipeline.encode.coded_coefficients import CodedCoefficients
from lplrcli.pipeline.encode.coefficient_coder import CoefficientCoder
from lplrcli.quantize import SteppedQuantizer
from lplrcli.runtime.parallel import heavy_map, ordered_map
from lplrcli.runtime.stages import counted
from lplrcli.runtime.workspace import KeptArrays
from lplrcli.transform.component_layout import Layout

_SPARSE = 1.0
"""Bits per transformed coefficient below which most are zero, a code that half of the states of a
trellis do not have: there a scalar quantizer errs less, by up to a sixth."""

GREATEST = 2.0**28
"""No step may be so fine that a coefficient has more units: larger codes would be cut."""

_HEAVY = 2**16
"""Entries of a chunk that a trellis takes longer with than they take to travel: some 100 to 800 ns
each. Scalar quantizers and coders are as fast as a network."""

_TRAINING = 2**20
"""Coefficients on which the first round learns."""


def code_coefficients(
    chunks: Iterable[NDArray[Any]],
    sample: Iterable[NDArray[Any]],
    coder: CoefficientCoder,
    threads: int,
) -> CodedCoefficients:
    """Quantize all chunks by the rates learnt from a sample.

    Parameters
    ----------
    chunks : iterable of ndarray, shape (components, rows)
        The coefficients.
    sample : iterable of ndarray, shape (components, rows)
        Some of them.
    coder : CoefficientCoder
        Its rates are learnt here. A trellis whose coefficients are mostly zero gives way to a
        scalar quantizer.
    threads : int
        The result does not depend on it.
    """
    if not coder.plain:
        coder = _learnt(coder, list(sample), threads)
    codes = KeptArrays()
    offsets = np.zeros(7)
    total = len(chunks) if isinstance(chunks, Sized) else None
    chunks = iter(chunks)
    first = list(islice(chunks, threads))
    # Many chunks at once, or the lanes of one: whichever there is enough of.
    within, across = (threads, 1) if len(first) < threads else (1, threads)
    task = partial(_quantized_chunk, coder=coder, threads=within)
    heavy = len(first) == threads and coder.state_bits and first[0].size >= _HEAVY
    mapped = heavy_map if heavy else ordered_map
    for part, found in counted(mapped(task, chain(first, chunks), across), total):
        codes.append(part)
        offsets += found
    shifts, squared_error = _centroids(offsets, coder.plain)
    quantizer = SteppedQuantizer(coder.quantizer.step, coder.quantizer.indices, shifts)
    return CodedCoefficients(
        *(quantizer, coder.state_bits, coder.classes, codes, squared_error, coder.layout)
    )


def _learnt(
    coder: CoefficientCoder, sample: Sequence[NDArray[Any]], threads: int
) -> CoefficientCoder:
    """The coder, or the scalar one in its place, with the rates of a sample."""
    if coder.state_bits and coder.layout.transformed:
        scalar = coder.scalar()
        scalar.learn(sample, threads)
        if scalar.rate < _SPARSE:
            return scalar
    coder.learn(sample, threads)
    return coder


def _quantized_chunk(
    values: NDArray[Any], coder: CoefficientCoder, threads: int
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    codes = coder.quantize(values, threads)
    return codes, coder.offsets(values, codes)


def sampled(chunks: Sequence[NDArray[Any]], layout: Layout) -> Iterator[NDArray[Any]]:
    """The first part of every chunk, of about a million coefficients in all.

    Of transformed chunks, whole ones, as frequencies differ.
    """
    if layout.transformed:
        yield from chunks[:: -(-sum(values.size for values in chunks) // (2 * _TRAINING))]
        return
    seen = 0
    for number, values in enumerate(chunks):
        rows = max(64, _TRAINING // (1 + number) ** 2 // max(1, len(values)))
        if seen < 2 * _TRAINING:
            yield np.ascontiguousarray(values[:, :rows])
            seen += len(values) * min(rows, values.shape[1])


def _centroids(offsets: NDArray[np.float64], plain: bool) -> tuple[tuple[int, int, int], float]:
    """Shifts in 256ths of a unit, and the squared error with them."""
    weights, sums, error = offsets[:3], offsets[3:6], float(offsets[6])
    if plain:
        return (0, 0, 0), error
    means = np.divide(sums, weights, out=np.zeros(3), where=weights > 0)
    shifts = np.clip(np.rint(256 * means), -127, 127)
    error -= float((2 * shifts / 256 * sums - (shifts / 256) ** 2 * weights).sum())
    first, second, rest = (int(shift) for shift in shifts)
    return (first, second, rest), max(error, 0.0)
