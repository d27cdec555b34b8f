"""The four methods of LPLR (arXiv 2310.11028), exactly: what the engine is measured by."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.coding import PackedCoding
from lplrcli.errors import PlanError
from lplrcli.linalg.operands import dense_rows
from lplrcli.linalg.passes import Passes
from lplrcli.linalg.projection import least_squares
from lplrcli.linalg.range_finder import power_iterate
from lplrcli.linalg.sketching import sketching_operator
from lplrcli.linalg.tall import gram_of, transposed
from lplrcli.model.compressed import QuantizedFactor
from lplrcli.model.plan import CompressionPlan
from lplrcli.model.source import RowBlock
from lplrcli.pipeline.decode.factors import chunk_entries, decode_factor, encode_factor, rechunked
from lplrcli.pipeline.predict import refusals
from lplrcli.planning.bit_allocation import uniform_bits
from lplrcli.planning.targets import DIRECT_ENTRIES
from lplrcli.quantize import UniformQuantizer
from lplrcli.runtime.workspace import KeptBytes

SVD_ENTRIES = 2**28
"""Most entries of which a full decomposition is attempted: about 10 GiB of working memory."""


def lplr(
    passes: Passes, plan: CompressionPlan, rank: int, threads: int
) -> tuple[QuantizedFactor, QuantizedFactor, float]:
    """``Q_B(A S)`` and ``Q_B'(argmin_W ‖Q_B(A S) W − A‖_F)``: Algorithm 1.

    Returns
    -------
    left, right : QuantizedFactor
        L and Rᵀ.
    bound : float
        Theorem 3.2 without its ε, see `expected_error`.
    """
    columns = passes.shape[1]
    sketch = sketching_operator(str(plan.sketch), columns, rank, plan.seed, passes.dtype)
    operand = power_iterate(passes, sketch, int(plan.power_iterations or 0))
    left = _encode(transposed(passes.times(operand)), plan.target.depths[0], threads)
    decoded = decode_factor(left, passes.dtype, threads=threads)
    fitted = least_squares(decoded, passes.left_times(decoded))
    right = _encode(fitted, plan.target.depths[1], threads)
    return left, right, expected_error(decoded, fitted, passes.scan().norm)


def lsvd(
    passes: Passes, plan: CompressionPlan, rank: int, threads: int
) -> tuple[QuantizedFactor, QuantizedFactor]:
    """``Q_B(U_r Σ_r)`` and the least-squares W against it, quantized."""
    left_vectors, values, _ = _svd(passes, rank)
    left = _encode((left_vectors * values).T.astype(passes.dtype), plan.target.depths[0], threads)
    decoded = decode_factor(left, passes.dtype, threads=threads)
    fitted = least_squares(decoded, passes.left_times(decoded))
    return left, _encode(fitted, plan.target.depths[1], threads)


def dsvd(
    passes: Passes, plan: CompressionPlan, rank: int, threads: int
) -> tuple[QuantizedFactor, QuantizedFactor]:
    """``Q_B(U_r)`` and ``Q_B'(Σ_r V_rᵀ)``."""
    left_vectors, values, right_vectors = _svd(passes, rank)
    left = _encode(left_vectors.T.astype(passes.dtype), plan.target.depths[0], threads)
    right = (values[:, None] * right_vectors).astype(passes.dtype)
    return left, _encode(right, plan.target.depths[1], threads)


def nq(passes: Passes, plan: CompressionPlan) -> QuantizedFactor:
    """``Q_B(A)``: every entry rounded to one of 2**B levels between the extremes of A."""
    rows, columns = passes.shape
    if passes.source.sparse and rows * columns > DIRECT_ENTRIES:
        raise refusals.entry_by_entry(passes.source.name, passes.shape, "--method nq")
    scan = passes.scan()
    bits = uniform_bits(1, plan.target.depths[0])
    quantizer = UniformQuantizer.over(scan.low, scan.high, bits)
    length = rows * columns
    # Whole rows in multiples of eight, where they fit: a slice of rows is then whole chunks.
    size = chunk_entries(length, plan.target.depths[0])
    chunk_length = max(size // (8 * columns), 1) * 8 * columns if 8 * columns <= size else size
    codes = passes.map_stored(
        "quantization", partial(_direct_codes, quantizer=quantizer, dtype=passes.dtype)
    )
    coding = PackedCoding(bits)
    chunks = KeptBytes(coding.encode_chunk([part]) for part in rechunked(codes, chunk_length))
    return QuantizedFactor(
        length=length,
        components=1,
        quantizer="uniform",
        side=quantizer.side,
        coding="packed",
        tables=bits.tobytes(),
        transform="identity",
        grid=(rows, columns),
        chunk_length=chunk_length,
        chunks=chunks,
    )


def expected_error(left: NDArray[Any], right: NDArray[Any], norm: float) -> float:
    """Theorem 3.2 of LPLR without quantization, as a relative error.

    ``min_k (1 + k/(r−k−1)) ‖A − A_k‖²`` over k < r−1, where ``‖A − A_k‖²`` is bounded from above
    through the singular values of L W: those of a projection of A are never larger than A's.

    Parameters
    ----------
    left, right : ndarray, shapes (r, n) and (r, d)
        Lᵀ and W.
    norm : float
        ``‖A‖_F``.
    """
    rank = len(left)
    if norm == 0 or rank < 2:
        return 0.0 if norm == 0 else 1.0
    values, vectors = np.linalg.eigh(gram_of(left.T))
    root = vectors * np.sqrt(np.maximum(values, 0))
    energies = np.linalg.eigvalsh(root.T @ gram_of(right.T) @ root)[::-1]
    tails = np.maximum(norm**2 - np.concatenate([[0.0], np.cumsum(energies)]), 0)
    k = np.arange(rank - 1)
    return float(np.sqrt(min(1.0, ((1 + k / (rank - k - 1)) * tails[k]).min() / norm**2)))


def _encode(factor: NDArray[Any], bits: int, threads: int) -> QuantizedFactor:
    components, length = factor.shape
    chunk_length = chunk_entries(length, bits * components)
    return encode_factor(factor, uniform_bits(components, bits), "uniform", chunk_length, threads)


def _direct_codes(
    block: RowBlock, quantizer: UniformQuantizer, dtype: np.dtype[Any]
) -> NDArray[Any]:
    return quantizer.encode(0, np.ascontiguousarray(dense_rows(block.values, dtype)).reshape(-1))


def _svd(passes: Passes, rank: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Leading singular triplets from a full decomposition, as the paper's baselines need."""
    entries = passes.shape[0] * passes.shape[1]
    if entries > SVD_ENTRIES:
        raise PlanError(
            "a full singular value decomposition of a matrix this large will not fit in memory",
            path=passes.source.name,
            found=f"{entries} entries",
            expected=f"at most {SVD_ENTRIES} for methods lsvd and dsvd",
            advice="Use the default method, or --method lplr.",
        )
    left, values, right = passes.svd()
    return left[:, :rank], values[:rank], right[:rank]
