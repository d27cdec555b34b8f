"""The packed engine: a bit depth per component, a refit, fixed-width codes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.container.layout import INDEX_ENTRY, aligned_payload
from lplrcli.linalg.passes import Passes
from lplrcli.linalg.projection import least_squares
from lplrcli.linalg.range_finder import leading_directions
from lplrcli.model.compressed import QuantizedFactor
from lplrcli.model.plan import CompressionPlan
from lplrcli.pipeline.factors import chunk_entries, decode_factor, encode_factor
from lplrcli.planning.bit_allocation import MAX_BITS, BitAllocation, allocate_bits

_TABLE_BYTES = 3
"""Of a component's depth and scale, on either side."""

_RESERVE = 64
"""Bytes left for metadata that are longer than those of the paper's method."""


def factorize(
    passes: Passes, plan: CompressionPlan, rank: int, threads: int
) -> tuple[QuantizedFactor, QuantizedFactor, str]:
    """Find U Σ, allocate bits, quantize it, refit and quantize R.

    Parameters
    ----------
    passes : Passes
        The matrix A (n x d), scanned.
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
    directions = leading_directions(
        passes,
        rank,
        sketch=str(plan.sketch),
        sketch_size=int(plan.sketch_size or rank),
        power_iterations=int(plan.power_iterations or 1),
        seed=plan.seed,
    )
    left_chunk = chunk_entries(length, plan.target.bits * rank)
    right_chunk = chunk_entries(width, plan.target.bits_right * rank)
    depths = _allocation(directions.energies, passes.shape, plan, rank, left_chunk, right_chunk)
    kept = len(depths.left)
    left = encode_factor(directions.left[:kept], depths.left, "normal", left_chunk, threads)
    refit = _refit(passes, left, threads)
    right = encode_factor(refit, depths.right, "normal", right_chunk, threads)
    return left, right, directions.basis


def _refit(passes: Passes, left: QuantizedFactor, threads: int) -> NDArray[Any]:
    """R as the least-squares solution against what decoding will make of L: one exact pass."""
    if left.components == 0:
        return np.zeros((0, passes.shape[1]), passes.dtype)
    return least_squares(passes, decode_factor(left, passes.dtype, threads=threads))


def _allocation(
    energies: NDArray[np.float64],
    shape: tuple[int, int],
    plan: CompressionPlan,
    rank: int,
    left_chunk: int,
    right_chunk: int,
) -> BitAllocation:
    """Depths whose file is no larger than that of ``lplr`` with the same rank and bits."""
    length, width = shape
    target = plan.target
    left_cost = np.array([_run_bytes(length, left_chunk, b) for b in range(MAX_BITS + 1)])
    right_cost = np.array([_run_bytes(width, right_chunk, b) for b in range(MAX_BITS + 1)])
    # What `lplr` stores: codes of one depth, and a table of depths, lowest level and step.
    allowed = _stored_bytes(
        [
            2 * (rank + 16),
            *_chunk_bytes(length, left_chunk, [target.bits] * rank),
            *_chunk_bytes(width, right_chunk, [target.bits_right] * rank),
        ]
    )
    budget = int(rank * (left_cost[target.bits] + right_cost[target.bits_right]))
    while True:
        depths = allocate_bits(energies, left_cost, right_cost, 2 * _TABLE_BYTES, max(budget, 0))
        stored = _stored_bytes(
            [
                2 * _TABLE_BYTES * len(depths.left),
                *_chunk_bytes(length, left_chunk, depths.left.tolist()),
                *_chunk_bytes(width, right_chunk, depths.right.tolist()),
            ]
        )
        excess = stored - (allowed - _RESERVE)
        if excess <= 0 or budget <= 0:
            return depths
        budget -= excess


def _chunk_bytes(length: int, chunk: int, depths: list[int]) -> list[int]:
    """Payload bytes of every chunk."""
    if not depths:
        return []
    rows = [chunk] * (length // chunk) + ([length % chunk] if length % chunk else [])
    whole = sum((depth * chunk + 7) // 8 for depth in depths)
    return [
        whole if count == chunk else sum((depth * count + 7) // 8 for depth in depths)
        for count in rows
    ]


def _run_bytes(length: int, chunk: int, depth: int) -> int:
    """Bytes of one component in all chunks."""
    return sum(_chunk_bytes(length, chunk, [depth]))


def _stored_bytes(payloads: list[int]) -> int:
    """Bytes in the file of sections with these payloads: headers, padding, index entries."""
    return sum(aligned_payload(length) + INDEX_ENTRY.size for length in payloads)
