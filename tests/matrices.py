"""Makers of matrices whose spectra are known, all determined by a seed."""

from __future__ import annotations

import numpy as np


def with_spectrum(rows, columns, values, seed=0, dtype=np.float32):
    """U diag(values) Vᵀ with random orthonormal U, V."""
    generator = np.random.default_rng(seed)
    values = np.asarray(values, float)[: min(rows, columns)]
    left = np.linalg.qr(generator.standard_normal((rows, len(values))))[0]
    right = np.linalg.qr(generator.standard_normal((columns, len(values))))[0]
    return ((left * values) @ right.T).astype(dtype)


def exponential(rows, columns, seed=0, dtype=np.float32):
    """Singular values exp(-i/50): smooth data, where rank and bits trade evenly."""
    return with_spectrum(rows, columns, np.exp(-np.arange(min(rows, columns)) / 50), seed, dtype)


def harmonic(rows, columns, seed=0, dtype=np.float32):
    """Singular values 1/i: a heavy tail."""
    return with_spectrum(rows, columns, 1 / np.arange(1, min(rows, columns) + 1), seed, dtype)


def low_rank(rows, columns, rank, noise=0.01, seed=0, dtype=np.float32):
    """`rank` equal directions and white noise whose norm is `noise` times theirs."""
    generator = np.random.default_rng(seed)
    signal = with_spectrum(rows, columns, np.ones(rank), seed + 1, np.float64)
    white = generator.standard_normal((rows, columns))
    white *= noise * np.linalg.norm(signal) / np.linalg.norm(white)
    return (signal + white).astype(dtype)


def decaying(rows, columns, seed=0, dtype=np.float32):
    """Spectrum near exp(-i/20) over noise, made without any decomposition: for large shapes."""
    generator = np.random.default_rng(seed)
    left = generator.standard_normal((rows, 100), np.float32) * np.exp(-np.arange(100) / 20)
    a = left.astype(np.float32) @ generator.standard_normal((100, columns), np.float32)
    return (a + 0.05 * generator.standard_normal((rows, columns), np.float32)).astype(dtype)


def tail_error(values, rank):
    """Relative error of the best approximation of this rank (Eckart and Young)."""
    energies = np.square(np.asarray(values, float))
    return float(np.sqrt(energies[rank:].sum() / energies.sum()))


# Additive intensity, half axes, centre, and angle in degrees of the ten ellipses: Shepp and Logan
# 1974, with the intensities that Toft (1996) chose so that they can be told apart by eye; this
# is what MATLAB's phantom() draws. (The original ones are 2, -0.98, -0.02, -0.02, 0.01 ...)
_ELLIPSES = [
    (1.0, 0.69, 0.92, 0.0, 0.0, 0.0),
    (-0.8, 0.6624, 0.874, 0.0, -0.0184, 0.0),
    (-0.2, 0.11, 0.31, 0.22, 0.0, -18.0),
    (-0.2, 0.16, 0.41, -0.22, 0.0, 18.0),
    (0.1, 0.21, 0.25, 0.0, 0.35, 0.0),
    (0.1, 0.046, 0.046, 0.0, 0.1, 0.0),
    (0.1, 0.046, 0.046, 0.0, -0.1, 0.0),
    (0.1, 0.046, 0.023, -0.08, -0.605, 0.0),
    (0.1, 0.023, 0.023, 0.0, -0.606, 0.0),
    (0.1, 0.023, 0.046, 0.06, -0.605, 0.0),
]
_STANDARD = [2.0, -0.98, -0.02, -0.02, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01]


def shepp_logan(size, dtype=np.float32, standard=False):
    """The Shepp-Logan phantom, scaled to [0, 1]."""
    axis = np.linspace(-1, 1, size)
    x, y = axis[None, :], -axis[:, None]
    image = np.zeros((size, size))
    for ellipse, original in zip(_ELLIPSES, _STANDARD, strict=True):
        intensity, a, b, x0, y0, degrees = ellipse
        angle = np.deg2rad(degrees)
        along = (x - x0) * np.cos(angle) + (y - y0) * np.sin(angle)
        across = (y - y0) * np.cos(angle) - (x - x0) * np.sin(angle)
        inside = (along / a) ** 2 + (across / b) ** 2 <= 1
        image[inside] += original if standard else intensity
    image -= image.min()
    return (image / image.max()).astype(dtype)
