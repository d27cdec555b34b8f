"""Print normal_codebooks.json: quantizers of the standard normal distribution, in integers.

    python make_codebooks.py > normal_codebooks.json

Up to 8 bits the levels are Lloyd's and Max's (each level the centroid of its cell, each cell
boundary midway between levels). Above, the cells of an 8-bit compander are divided evenly; its
boundaries follow Panter and Dite's optimal point density, which for a normal distribution is
another one with three times the variance. Integers, in units of 2**-20, so that no reader ever
has to agree with another about the last digit of a logarithm.
"""

import json
import sys

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_banded
from scipy.special import ndtr, ndtri

UNIT_LOG2 = -20
OUTERMOST = 8.0  # the compander's last boundary; beyond it lies 1e-15 of the distribution


def lloyd_max(bits: int) -> list[int]:
    """Positive half of the 2**bits optimal levels of the standard normal distribution.

    Newton's method on `levels - centroids(levels)`, whose Jacobian is tridiagonal; the plain
    alternation of Lloyd needs 10**5 rounds at 8 bits.
    """
    count = 2**bits
    levels = np.sqrt(3) * ndtri((np.arange(count) + 0.5) / count)
    for _ in range(50):
        inner = (levels[1:] + levels[:-1]) / 2
        density = np.concatenate([[0.0], np.exp(-(inner**2) / 2) / np.sqrt(2 * np.pi), [0.0]])
        mass = np.diff(np.concatenate([[0.0], ndtr(inner), [1.0]]))
        centroids = -np.diff(density) / mass
        by_lower = density[:-1] * (centroids - np.concatenate([[0.0], inner])) / mass / 2
        by_upper = density[1:] * (np.concatenate([inner, [0.0]]) - centroids) / mass / 2
        jacobian = np.zeros((3, count))
        jacobian[0, 1:] = -by_upper[:-1]
        jacobian[1] = 1 - by_lower - by_upper
        jacobian[2, :-1] = -by_lower[1:]
        levels = levels - solve_banded((1, 1), jacobian, levels - centroids)
    if np.abs(levels - centroids).max() > 1e-9:
        raise ArithmeticError(f"no convergence at {bits} bits")
    return to_integers(((levels - levels[::-1]) / 2)[count // 2 :])


def to_integers(values: NDArray[np.float64]) -> list[int]:
    """Nearest multiples of 2**UNIT_LOG2."""
    return [int(v) for v in np.rint(np.ldexp(values, -UNIT_LOG2))]


def codebooks() -> dict[str, object]:
    """Content of normal_codebooks.json."""
    inner = np.sqrt(3) * ndtri(np.arange(129, 256) / 256)
    positive = to_integers(np.concatenate([inner, [OUTERMOST]]))
    return {
        "unit_log2": UNIT_LOG2,
        "lloyd_max": {str(bits): lloyd_max(bits) for bits in range(1, 9)},
        "compander": [-v for v in reversed(positive)] + [0] + positive,
    }


if __name__ == "__main__":
    json.dump(codebooks(), sys.stdout)
    sys.stdout.write("\n")
