"""Random matrices and what is asked of them: the cases of `error_targets.py`.

A case follows from a seed and its number alone. Matrices are of every type that lplr takes, from
1 x 1 to some 200 x 200 and arrays of up to five axes, of spectra from flat to a single direction,
between the denormals and the largest numbers of their type.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from ml_dtypes import bfloat16, finfo
from numpy.typing import NDArray

Generator = np.random.Generator

DTYPES = {
    "float64": 6, "float32": 6, "float16": 3, "bfloat16": 3,
    "int8": 1, "uint8": 2, "int16": 1, "uint16": 1, "int32": 1, "uint32": 1,
    "int64": 2, "uint64": 1, "bool": 1,
}  # fmt: skip
"""Types, and how often each is drawn."""

GOALS = {"rel_error": 11, "max_abs_error": 5, "lossless": 1, "both": 0.2, "size": 2, "rank": 2}

MODES = ("factors", "factors+residual", "direct")
TRANSFORMS = ("none", "dct", "cdf97", "cdf97-tensor", "klt", "auto")
CENTERS = ("mean-row", "mean-column", "both", "auto")
METHODS = ("packed", "lplr", "lsvd", "dsvd", "nq")


@dataclass(frozen=True)
class Case:
    """A matrix, and the options that it is compressed with.

    Attributes
    ----------
    number : int
        Of the case.
    content : str
        What the matrix is like.
    array : ndarray
        Of two to five axes.
    options : dict
        Of `lplrcli.compress`.
    """

    number: int
    content: str
    array: NDArray[Any]
    options: dict[str, Any]

    def __str__(self) -> str:
        shape = "x".join(map(str, self.array.shape))
        asked = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"case {self.number}: {self.content}, {self.array.dtype.name} {shape}, {asked}"


def drawn(seed: int, number: int) -> Case:
    """One case."""
    rng = np.random.default_rng([seed, number])
    shape = _shape(rng)
    content = _one_of(rng, list(CONTENTS))
    # The largest entry is 1, unless all are zero.
    unit = np.asarray(CONTENTS[content](rng, *_folded(shape)), np.float64).reshape(shape)
    unit = unit / (np.abs(unit).max() or 1.0)
    if rng.random() < 0.1:
        unit = _marred(rng, unit)
    array = _typed(rng, unit, _weighted(rng, DTYPES))
    return Case(number, content, array, _options(rng, array))


def _one_of(rng: Generator, items: Any) -> Any:
    return items[int(rng.integers(len(items)))]


def _weighted(rng: Generator, weights: dict[str, Any]) -> str:
    parts = np.array(list(weights.values()), float)
    return list(weights)[int(rng.choice(len(parts), p=parts / parts.sum()))]


# -- shapes


def _shape(rng: Generator) -> tuple[int, ...]:
    kind = rng.random()
    if kind < 0.08:
        return (1, _extent(rng, 200))
    if kind < 0.16:
        return (_extent(rng, 200), 1)
    if kind < 0.30:
        axes = int(rng.integers(3, 6))
        return tuple(_extent(rng, {3: 12, 4: 6, 5: 4}[axes]) for _ in range(axes))
    if kind < 0.98:
        return (_extent(rng, 24), _extent(rng, 24))
    return (_extent(rng, 200), _extent(rng, 200))


def _extent(rng: Generator, most: int) -> int:
    """Small ones as often as large ones."""
    return round(math.exp(rng.uniform(0, math.log(most))))


def _folded(shape: tuple[int, ...]) -> tuple[int, int]:
    return shape[0], math.prod(shape[1:])


# -- contents


def _with_values(
    rng: Generator, n: int, d: int, values: Callable[[NDArray[Any]], NDArray[Any]]
) -> NDArray[Any]:
    """A matrix of these singular values."""
    k = min(n, d)
    left = np.linalg.qr(rng.standard_normal((n, k)))[0]
    right = np.linalg.qr(rng.standard_normal((d, k)))[0]
    return np.asarray((left * values(np.arange(k))) @ right.T)


def _white(rng: Generator, n: int, d: int) -> NDArray[Any]:
    return rng.standard_normal((n, d))


def _power_law(rng: Generator, n: int, d: int) -> NDArray[Any]:
    power = rng.uniform(0.3, 3)
    return _with_values(rng, n, d, lambda i: (i + 1.0) ** -power)


def _exponential(rng: Generator, n: int, d: int) -> NDArray[Any]:
    rate = rng.uniform(0.02, 2)
    return _with_values(rng, n, d, lambda i: np.exp(-rate * i))


def _low_rank(rng: Generator, n: int, d: int) -> NDArray[Any]:
    r = int(rng.integers(1, 5))
    signal = rng.standard_normal((n, r)) @ rng.standard_normal((r, d))
    noise = 10.0 ** rng.uniform(-17, 0) if rng.random() < 0.7 else 0.0
    return np.asarray(signal + noise * rng.standard_normal((n, d)))


def _smooth(rng: Generator, n: int, d: int) -> NDArray[Any]:
    x, y = np.linspace(0, 1, n)[:, None], np.linspace(0, 1, d)
    a, b, c = rng.uniform(-9, 9, 3)
    return np.asarray(np.sin(a * x + b * y) + np.exp(-c * (x - 0.4) ** 2) * y)


def _sparse(rng: Generator, n: int, d: int) -> NDArray[Any]:
    return np.asarray(rng.standard_normal((n, d)) * (rng.random((n, d)) < rng.uniform(0.01, 0.3)))


def _outliers(rng: Generator, n: int, d: int) -> NDArray[Any]:
    a = rng.standard_normal((n, d))
    for _ in range(int(rng.integers(1, 4))):
        a[rng.integers(n), rng.integers(d)] = rng.choice([-1, 1]) * 10.0 ** rng.uniform(1, 40)
    return a


def _constant(rng: Generator, n: int, d: int) -> NDArray[Any]:
    return np.full((n, d), rng.standard_normal())


def _integers(rng: Generator, n: int, d: int) -> NDArray[Any]:
    most = _one_of(rng, [1, 2, 9, 255, 10**4, 10**9])
    return np.asarray(rng.integers(-most, most + 1, (n, d)) * _one_of(rng, [1.0, 0.1, 2.0**-9]))


def _mixed_scales(rng: Generator, n: int, d: int) -> NDArray[Any]:
    reach = rng.uniform(1, 200)
    by_row = 10.0 ** rng.uniform(-reach, 0, (n, 1))
    by_column = 10.0 ** rng.uniform(-min(reach, 50), 0, (1, d))
    return np.asarray(rng.standard_normal((n, d)) * _one_of(rng, [by_row, by_column]))


def _repeated(rng: Generator, n: int, d: int) -> NDArray[Any]:
    """Equal rows and columns, some of them zero."""
    a = rng.standard_normal((n, d))
    a = a[rng.integers(0, max(1, n // 3), n)][:, rng.integers(0, max(1, d // 2), d)]
    a[rng.random(n) < 0.3] = 0
    a[:, rng.random(d) < 0.3] = 0
    return np.asarray(a)


def _hilbert(rng: Generator, n: int, d: int) -> NDArray[Any]:
    return 1 / (np.arange(n)[:, None] + np.arange(d) + 1.0)


def _vandermonde(rng: Generator, n: int, d: int) -> NDArray[Any]:
    return np.vander(rng.uniform(-1, 1, n), d, increasing=True)


def _orthogonal(rng: Generator, n: int, d: int) -> NDArray[Any]:
    return _with_values(rng, n, d, lambda i: np.ones(len(i)))


def _zero(rng: Generator, n: int, d: int) -> NDArray[Any]:
    return np.zeros((n, d)) * rng.choice([-1.0, 1.0], (n, d))


def _offset(rng: Generator, n: int, d: int) -> NDArray[Any]:
    """Little beside its mean."""
    return np.asarray(1 + 10.0 ** rng.uniform(-12, 0) * rng.standard_normal((n, d)))


CONTENTS: dict[str, Callable[[Generator, int, int], NDArray[Any]]] = {
    "white": _white,
    "power law": _power_law,
    "exponential": _exponential,
    "low rank": _low_rank,
    "smooth": _smooth,
    "sparse": _sparse,
    "outliers": _outliers,
    "constant": _constant,
    "integers": _integers,
    "mixed scales": _mixed_scales,
    "repeated": _repeated,
    "Hilbert": _hilbert,
    "Vandermonde": _vandermonde,
    "orthogonal": _orthogonal,
    "zero": _zero,
    "offset": _offset,
}


def _marred(rng: Generator, unit: NDArray[Any]) -> NDArray[Any]:
    """With one entry at the end of the range."""
    found = unit * 10.0 ** -rng.uniform(0, 30)
    found.flat[rng.integers(unit.size)] = _one_of(rng, [1.0, -1.0])
    return found


# -- types and scales


def _typed(rng: Generator, unit: NDArray[Any], name: str) -> NDArray[Any]:
    if name == "bool":
        return np.asarray(unit > _one_of(rng, [0.0, 0.5, -0.5]))
    dtype = np.dtype(bfloat16 if name == "bfloat16" else name)
    if dtype.kind in "iu":
        return _integer(rng, unit, dtype)
    limits = finfo(dtype)
    largest, least = float(limits.max), float(limits.smallest_subnormal)
    low, high = math.log10(least), math.log10(largest)
    kind = rng.random()
    if kind < 0.45:
        scale = 10.0 ** rng.uniform(-2, 2)
    elif kind < 0.8:
        scale = 10.0 ** rng.uniform(max(low, -300), min(high, 300))
    elif kind < 0.86:
        scale = largest * _one_of(rng, [1.0, 0.5, 0.1])
    elif kind < 0.93:
        scale = float(limits.smallest_normal) * _one_of(rng, [1.0, 2.0, 100.0])
    else:
        scale = least * _one_of(rng, [1.0, 3.0, 100.0])
    with np.errstate(under="ignore"):
        return np.asarray(np.clip(unit * scale, -largest, largest).astype(dtype))


def _integer(rng: Generator, unit: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    limits = np.iinfo(dtype)
    largest = int(limits.max)
    scale = _one_of(rng, [1, 5, 100, largest // 3, largest])
    found = np.rint(unit.astype(np.longdouble) * min(scale, largest))
    if dtype.kind == "u":
        found = np.abs(found)
    if rng.random() < 0.2:  # next to one end
        near = found % 7
        base = _one_of(rng, [limits.min, limits.max, limits.max // 2])
        found = np.abs(np.longdouble(base) + np.where(base == limits.max, -near, near))
        found = found if base >= 0 else -found
    return np.clip(found, np.longdouble(limits.min), np.longdouble(limits.max)).astype(dtype)


# -- options


def _options(rng: Generator, array: NDArray[Any]) -> dict[str, Any]:
    goal = _weighted(rng, GOALS)
    options: dict[str, Any] = {}
    if array.ndim > 2 and rng.random() < 0.7:
        choices: list[Any] = list(range(1, array.ndim))
        options["unfold"] = _one_of(rng, [*choices, "auto"] if goal != "rank" else choices)
    if goal == "rank":
        return {**options, **_ranked(rng)}
    if goal in ("rel_error", "both"):
        options["rel_error"] = float(10.0 ** rng.uniform(-12, math.log10(0.9)))
    if goal == "lossless":
        options["rel_error"] = 0.0
    if goal in ("max_abs_error", "both"):
        largest = float(np.abs(array.astype(np.float64)).max())
        options["max_abs_error"] = _bound(rng, array.dtype, largest)
    if goal == "size":
        options["size"] = int(math.exp(rng.uniform(math.log(500), math.log(20000))))
    if rng.random() < 0.45:
        options["mode"] = _one_of(rng, MODES)
    if rng.random() < 0.3:
        options["transform"] = _one_of(rng, TRANSFORMS)
    if rng.random() < 0.3:
        options["center"] = _one_of(rng, CENTERS)
    if rng.random() < 0.15:
        options["rank"] = int(rng.integers(1, 12))
    if rng.random() < 0.08:
        options["passes"] = int(rng.integers(3, 9))
    if rng.random() < 0.97:  # most options go together; refusing the others is tested too
        options = _compatible(options)
    return options


def _compatible(options: dict[str, Any]) -> dict[str, Any]:
    """The options, less those that contradict others."""
    everywhere = "max_abs_error" in options
    without: set[str] = set()
    if "passes" in options:
        without |= {"passes"} if everywhere or options.get("rel_error") == 0 else {"mode", "center"}
    if options.get("mode") == "direct" or (everywhere and options.get("mode") == "factors"):
        without |= {"rank"} if options["mode"] == "direct" else {"mode"}
    return {name: value for name, value in options.items() if name not in without}


def _bound(rng: Generator, dtype: np.dtype[Any], largest: float) -> float:
    if dtype.kind in "iub" and rng.random() < 0.5:
        return float(_one_of(rng, [0, 0.4, 1, 1.5, 2, 10, 100]))
    with np.errstate(over="ignore", under="ignore"):
        return float(np.float64(largest) * 10.0 ** rng.uniform(-14, 0))


def _ranked(rng: Generator) -> dict[str, Any]:
    options: dict[str, Any] = {"method": _one_of(rng, METHODS), "bits": int(rng.integers(1, 17))}
    if options["method"] != "nq":
        options["rank"] = int(rng.integers(1, 20))
        if rng.random() < 0.3:
            options["bits_right"] = int(rng.integers(1, 17))
    if options["method"] == "packed" and rng.random() < 0.3:
        options["passes"] = int(rng.integers(1, 6))
    return options
