"""The slow twin of every kernel and of the paper's methods, written from their definitions."""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy.linalg import hadamard

# -- kernels/packing.py


def pack_codes(codes, bits):
    """The codes as digits of one little-endian integer, in whole bytes."""
    number = sum(int(code) << (bits * t) for t, code in enumerate(codes))
    return number.to_bytes((bits * len(codes) + 7) // 8, "little")


def unpack_codes(run, bits, count):
    number = int.from_bytes(run, "little")
    return [(number >> (bits * t)) % 2**bits for t in range(count)]


# -- kernels/quantization.py


def nearest_codes(values, scale, thresholds):
    """How many thresholds lie strictly below each value of unit scale, compared in float32."""
    with np.errstate(over="ignore"):  # infinity lies above every threshold, as it should
        unit = (np.asarray(values, np.float64) * (1.0 / scale)).astype(np.float32)
    return np.searchsorted(thresholds, unit, side="left")


def uniform_codes(values, low, step, top):
    values = np.asarray(values, np.float64)
    if step == 0:
        return np.zeros(values.shape, int)
    return np.clip(np.rint((values - low) / step), 0, top).astype(int)


def squared_error(values, codes, levels, scale):
    return sum(
        (float(v) - scale * float(levels[c])) ** 2 for v, c in zip(values, codes, strict=True)
    )


# -- kernels/hadamard.py


def hadamard_rows(rows):
    return rows.astype(np.float64) @ hadamard(rows.shape[1])


# -- kernels/sparse.py


def dense_of_csr(indptr, indices, data, columns):
    dense = np.zeros((len(indptr) - 1, columns))
    for i in range(len(indptr) - 1):
        for p in range(indptr[i], indptr[i + 1]):
            dense[i, indices[p]] += data[p]
    return dense


def csr_times_dense(indptr, indices, data, x):
    return dense_of_csr(indptr, indices, data, len(x)) @ x.astype(np.float64)


def csr_transposed_times_dense(indptr, indices, data, y, columns):
    return dense_of_csr(indptr, indices, data, columns).T @ y.astype(np.float64)


def csr_inner_product(indptr, indices, data, left, right):
    dense = dense_of_csr(indptr, indices, data, len(right))
    return float(np.sum(dense * (left.astype(np.float64) @ right.T.astype(np.float64))))


def sparse_sign_matrix(columns, signs, width):
    matrix = np.zeros((len(columns), width))
    for j, (places, values) in enumerate(zip(columns, signs, strict=True)):
        matrix[j, places] = values
    return matrix


def dense_times_sparse_sign(values, columns, signs, width):
    return values.astype(np.float64) @ sparse_sign_matrix(columns, signs, width)


# -- kernels/statistics.py


def sum_of_squares(values):
    return float(np.sum(np.asarray(values, np.float64) ** 2))


def squared_distance(first, second):
    difference = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    return float(np.sum(difference**2)), float(np.abs(difference).max(initial=0.0))


# -- the paper's methods (arXiv 2310.11028, section 5; design/ALGORITHM.md, section 1)


def quantize_uniform(x, bits):
    """Q_B: 2**B levels spread over [min, max] of the whole tensor, nearest level."""
    x = np.asarray(x, np.float64)
    low, high = x.min(), x.max()
    step = (high - low) / (2**bits - 1)
    return low + step * uniform_codes(x, low, step, 2**bits - 1)


def refit(left, a, bits):
    """Q_B'(argmin_W ‖L W − A‖)."""
    return quantize_uniform(np.linalg.lstsq(left, a, rcond=None)[0], bits)


def lplr(a, sketch, bits, bits_right):
    left = quantize_uniform(a @ sketch, bits)
    return left @ refit(left, a, bits_right)


def lsvd(a, rank, bits, bits_right):
    u, s, _ = np.linalg.svd(a, full_matrices=False)
    left = quantize_uniform(u[:, :rank] * s[:rank], bits)
    return left @ refit(left, a, bits_right)


def dsvd(a, rank, bits, bits_right):
    u, s, vt = np.linalg.svd(a, full_matrices=False)
    right = quantize_uniform(s[:rank, None] * vt[:rank], bits_right)
    return quantize_uniform(u[:, :rank], bits) @ right


def relative_error(a, decoded):
    a, decoded = np.asarray(a, np.float64), np.asarray(decoded, np.float64)
    norm = np.linalg.norm(a)
    return float(np.linalg.norm(a - decoded) / norm) if norm else 0.0


# -- planning/bit_allocation.py


def expected_error(energies, depths, distortion):
    """Sum of σ² (1 − (1 − c)(1 − c')); components without depths are dropped."""
    depths = [*depths, *[(0, 0)] * (len(energies) - len(depths))]
    return sum(
        e * (1 - (1 - distortion[b]) * (1 - distortion[c]))
        for e, (b, c) in zip(energies, depths, strict=True)
    )


def best_allocation(energies, left_cost, right_cost, table_cost, budget, distortion, most):
    """Least expected error over all choices of depths up to `most`, one component at a time."""
    pairs = [(0, 0), *product(range(1, most + 1), repeat=2)]
    cost = np.array([0, *[left_cost[b] + right_cost[c] + table_cost for b, c in pairs[1:]]])
    loss = np.array([1 - (1 - distortion[b]) * (1 - distortion[c]) for b, c in pairs])
    # least[m]: least error of the components so far within m bytes.
    least = np.zeros(budget + 1)
    for energy in energies:
        grown = np.full(budget + 1, np.inf)
        for c, weight in zip(cost, loss, strict=True):
            if c <= budget:
                grown[c:] = np.minimum(grown[c:], least[: budget + 1 - c] + energy * weight)
        least = grown
    return float(least[budget])
