"""Discrete cosine transform over the axes of the grid: fields and curves that are smooth.

Type II, orthonormal, separable (Ahmed, Natarajan and Rao 1974).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def forward(factor: NDArray[Any], grid: tuple[int, ...]) -> NDArray[Any]:
    """Coefficients of each row, shape (components, length), of frequencies ascending."""
    from scipy.fft import dctn

    fields = factor.reshape(-1, *grid).astype(np.float64, copy=False)
    found = dctn(fields, axes=range(1, fields.ndim), norm="ortho")
    return np.asarray(found.reshape(factor.shape).astype(factor.dtype, copy=False))


def inverse(coefficients: NDArray[Any], grid: tuple[int, ...]) -> NDArray[Any]:
    """Rows whose coefficients these are."""
    from scipy.fft import idctn

    spectra = coefficients.reshape(-1, *grid).astype(np.float64, copy=False)
    found = idctn(spectra, axes=range(1, spectra.ndim), norm="ortho")
    return np.asarray(found.reshape(coefficients.shape).astype(coefficients.dtype, copy=False))
