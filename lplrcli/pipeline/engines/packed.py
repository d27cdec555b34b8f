"""The packed engine: a bit depth per component, a refit, fixed-width codes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.container.byte_layout import INDEX_ENTRY, aligned_payload
from lplrcli.linalg.passes import Passes
from lplrcli.linalg.projection import least_squares
from lplrcli.linalg.range_finder import LeadingDirections, leading_directions
from lplrcli.linalg.single_pass import single_pass_directions
from lplrcli.linalg.tall import gram_of
from lplrcli.model.compressed import QuantizedFactor
from lplrcli.model.plan import CompressionPlan
from lplrcli.pipeline.decode.factors import chunk_entries, decode_factor, encode_factor
from lplrcli.planning.bit_allocation import MAX_BITS, BitAllocation, allocate_bits
from lplrcli.quantize import NormalQuantizer

_TABLE_BYTES = 6
"""Of a component's depths and scales, both sides together."""


def factorize(
    passes: Passes, plan: CompressionPlan, rank: int, threads: int
) -> tuple[QuantizedFactor, QuantizedFactor, str]:
    """Find U Σ, allocate bits, quantize it, refit and quantize R.

    Parameters
    ----------
    passes : Passes
        The matrix A (n x d).
    plan : CompressionPlan
        Target, sketch and power iterations.
    rank : int
        Most components, at most min(n, d).
    threads : int
        For the coding.

    Returns
    -------
    left, right : QuantizedFactor
        L and Rᵀ.
    basis : str
        How the directions were found.
    """
    length, width = passes.shape
    directions = _directions(passes, plan, rank)
    left_chunk = chunk_entries(length, plan.target.depths[0] * rank)
    right_chunk = chunk_entries(width, plan.target.depths[1] * rank)
    depths = _allocation(directions.energies, passes.shape, plan, rank, left_chunk, right_chunk)
    kept = len(depths.left)
    left = encode_factor(directions.left[:kept], depths.left, "normal", left_chunk, threads)
    # As large as what it was projected from, and of no more use.
    directions = replace(directions, left=directions.left[:0].copy())
    decoded, product = _normal_equations(passes, directions, left, threads)
    refit = least_squares(decoded, product) if kept else product
    right = encode_factor(refit, depths.right, "normal", right_chunk, threads)
    return left, _rescaled(right, decoded, product, threads), directions.found_by


def _directions(passes: Passes, plan: CompressionPlan, rank: int) -> LeadingDirections:
    sketch, size = str(plan.sketch), int(plan.sketch_size or rank)
    if plan.basis == "single-pass":
        return single_pass_directions(passes, rank, sketch=sketch, sketch_size=size, seed=plan.seed)
    return leading_directions(
        passes,
        rank,
        sketch=sketch,
        sketch_size=size,
        power_iterations=int(plan.power_iterations or 1),
        seed=plan.seed,
    )


def _normal_equations(
    passes: Passes, directions: LeadingDirections, left: QuantizedFactor, threads: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Lᵀ as it will be decoded, and ``Lᵀ A``: R solves least squares against it.

    Where A was sketched, it is represented by its projection onto the basis found, which saves
    a pass. What that leaves out meets only the quantization noise of L: on the matrices measured
    the error rises by half a percent at most. Where the Gram matrix was formed, which costs more
    than a pass, the fit is exact, if there is a pass left for it besides the measurement.
    """
    decoded = decode_factor(left, passes.dtype, threads=threads)
    if left.components == 0:
        return decoded, np.zeros((0, passes.shape[1]), passes.dtype)
    exact = directions.found_by == "gram" and passes.allows(2)
    return decoded, passes.left_times(decoded) if exact else directions.left_times(decoded)


def _rescaled(
    right: QuantizedFactor, left: NDArray[Any], product: NDArray[Any], threads: int
) -> QuantizedFactor:
    """R with scales that fit A best beside each other, not each its own component.

    Few bits, or a few entries far larger than all others, make R noisy, and noise of components
    whose left columns are alike adds up: then it pays to shrink them. Without that the error may
    exceed that of zeros. ``‖A − L diag(s) R‖²`` is a quadratic form in s.
    """
    if right.components == 0:
        return right
    quantizer = NormalQuantizer.of(right)
    values = decode_factor(right, left.dtype, threads=threads)
    form = gram_of(left.T, threads) * gram_of(values.T, threads)
    linear = np.einsum("kj,kj->k", product, values, dtype=np.float64)
    factors = np.zeros(len(form))
    used = np.flatnonzero(np.diag(form))
    while len(used):
        solution = np.linalg.lstsq(form[np.ix_(used, used)], linear[used])[0]
        if (solution > 0).all():
            factors[used] = solution
            break
        used = used[solution > 0]  # a scale is positive: what would be subtracted is left out
    found = quantizer.rescaled(factors)
    # Scales are rounded to bfloat16: a gain that is less than that is none.
    exact = found.scales.astype(np.float64) / quantizer.scales
    gain = exact @ (2 * linear - form @ exact) - (2 * linear.sum() - form.sum())
    return replace(right, side=found.side) if gain > 0 else right


def _allocation(
    energies: NDArray[np.float64],
    shape: tuple[int, int],
    plan: CompressionPlan,
    rank: int,
    left_chunk: int,
    right_chunk: int,
) -> BitAllocation:
    """Depths with no more code bits, and no more bytes in the file, than ``lplr`` would use.

    That method stores `rank` components at the depths asked for, and a table of depths, lowest
    level and step. The bytes of a file come in steps (whole bytes, padded sections), so they are
    counted after the allocation, which starts from all bits and gives back what is too much.
    """
    length, width = shape
    target = plan.target
    depths = np.arange(MAX_BITS + 1)
    asked = rank * (target.depths[0] * length + target.depths[1] * width)
    allowed = _stored_bytes(
        2 * (rank + 16),
        _chunk_bytes(length, left_chunk, [target.depths[0]] * rank),
        _chunk_bytes(width, right_chunk, [target.depths[1]] * rank),
    )
    budget = asked + 8 * 2 * (rank + 16)
    while True:
        allocation = allocate_bits(
            energies, depths * length, depths * width, 8 * _TABLE_BYTES, max(budget, 0)
        )
        left, right = allocation.left.tolist(), allocation.right.tolist()
        used = sum(left) * length + sum(right) * width
        stored = _stored_bytes(
            _TABLE_BYTES * len(left),
            _chunk_bytes(length, left_chunk, left),
            _chunk_bytes(width, right_chunk, right),
        )
        excess = max(used - asked, 8 * (stored - allowed))
        if excess <= 0:
            return allocation
        # A section that crosses a boundary by one byte counts 64: what it takes to get back is
        # one bit less for a component or two, not all of the excess.
        budget = used + 8 * _TABLE_BYTES * len(left) - min(excess, length, width)


def _chunk_bytes(length: int, chunk: int, depths: list[int]) -> list[int]:
    """Payload bytes of every chunk."""
    if not depths:
        return []
    sizes = [min(chunk, length - start) for start in range(0, length, chunk)]
    return [sum((depth * rows + 7) // 8 for depth in depths) for rows in sizes]


def _stored_bytes(table: int, left: list[int], right: list[int]) -> int:
    """Bytes in the file of the tables and chunks: headers, padding and index entries count."""
    return sum(aligned_payload(length) + INDEX_ENTRY.size for length in [table, *left, *right])
