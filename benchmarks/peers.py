"""Other ways to store a matrix in few bits, each at the best settings not above a size.

Used by `rate_distortion.py`. A peer is made for one matrix; `Peer.best` encodes and decodes it
with the settings that may be the best for a size in bytes, and gives the least error, measured
in float64 on what was decoded. All doubts are settled in favour of the peer: headers that a
container would need are not counted, and an entropy coder is taken to reach the entropy.

Here are the general compressors of arrays, zfp and SZ3; `peers_codebooks.py` and
`peers_factors.py` hold the others.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

Decoded = NDArray[Any]
Coding = Callable[[], tuple[int, Decoded]]


class Task:
    """A matrix, its file, and what several peers need of it."""

    def __init__(self, path: Path, matrix: NDArray[np.float32], scratch: Path) -> None:
        self.path = path
        self.single = np.ascontiguousarray(matrix, np.float32)
        self.matrix = self.single.astype(np.float64)
        self.norm = float(np.linalg.norm(self.matrix))
        self.rms = self.norm / self.matrix.size**0.5
        self.scratch = scratch

    @cached_property
    def svd(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Columns u, values and columns v."""
        u, sigma, vt = np.linalg.svd(self.matrix, full_matrices=False)
        return u, sigma, np.ascontiguousarray(vt.T)

    def error(self, decoded: Decoded) -> float:
        """Relative Frobenius error."""
        return float(np.linalg.norm(self.matrix - np.asarray(decoded, np.float64)) / self.norm)


@dataclass(frozen=True)
class Cell:
    """What one setting gives."""

    settings: str
    size: int
    error: float


class Peer:
    """A method at its best; subclasses say which settings are worth trying."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.known: dict[str, Cell] = {}

    def candidates(self, budget: int) -> Iterator[tuple[str, Coding]]:
        """Settings for a size, and functions that encode and decode with them."""
        raise NotImplementedError

    def measured(self, settings: str, coding: Coding) -> Cell:
        """Encode, decode and compare; once for each setting."""
        if settings not in self.known:
            size, decoded = coding()
            self.known[settings] = Cell(settings, size, self.task.error(decoded))
        return self.known[settings]

    def best(self, budget: int) -> Cell | None:
        """Least error in at most `budget` bytes; None if nothing fits."""
        for candidate in self.candidates(budget):
            self.measured(*candidate)
        # Also what was tried for other sizes: more bytes can give a larger error.
        fitting = (cell for cell in self.known.values() if cell.size <= budget)
        return min(fitting, key=lambda cell: cell.error, default=None)


def finest(size: Callable[[int], int], low: int, high: int, budget: int) -> int | None:
    """Least k from `low` to `high` with ``size(k) <= budget``, for sizes that fall as k grows."""
    if size(high) > budget:
        return None
    while low < high:
        middle = (low + high) // 2
        if size(middle) <= budget:
            high = middle
        else:
            low = middle + 1
    return high


class Zfp(Peer):
    """zfp in its three lossy modes, on the matrix and on its entries as one row."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.sizes: dict[tuple[int, str, int], int] = {}

    @staticmethod
    def encode(values: NDArray[np.float32], mode: str, setting: int, header: bool) -> bytes:
        """Code an array of any number of axes."""
        import zfpy

        # The accuracy mode rounds its tolerance down to a power of two: these are all there are.
        value: float = setting
        if mode == "rate":
            value = setting / 4**values.ndim
        elif mode == "tolerance":
            value = 2.0**setting
        encoded: bytes = zfpy.compress_numpy(values, write_header=header, **{mode: value})
        return encoded

    def _view(self, ndim: int) -> NDArray[np.float32]:
        return self.task.single if ndim == 2 else self.task.single.ravel()

    def _size(self, ndim: int, mode: str, setting: int) -> int:
        key = ndim, mode, setting
        if key not in self.sizes:
            self.sizes[key] = len(self.encode(self._view(ndim), mode, setting, header=False))
        return self.sizes[key]

    def _code(self, ndim: int, mode: str, setting: int) -> tuple[int, Decoded]:
        import zfpy

        encoded = self.encode(self._view(ndim), mode, setting, header=True)
        decoded = zfpy.decompress_numpy(encoded)
        return self._size(ndim, mode, setting), decoded.reshape(self.task.matrix.shape)

    def candidates(self, budget: int) -> Iterator[tuple[str, Coding]]:
        """Of each mode the finest setting that fits."""
        top = int(np.ceil(np.log2(np.abs(self.task.matrix).max())))
        for ndim in (2, 1):
            k = finest(partial(self._size, ndim, "tolerance"), top - 30, top + 6, budget)
            if k is not None:
                yield f"{ndim}-D tolerance 2^{k}", partial(self._code, ndim, "tolerance", k)
            k = finest(lambda k, d=ndim: self._size(d, "precision", -k), -32, -1, budget)  # type: ignore[misc]
            if k is not None:
                yield f"{ndim}-D precision {-k}", partial(self._code, ndim, "precision", -k)
            # A block has 4 or 16 entries and needs 9 bits at least; zfpy ends the process below.
            bits = min(int(8 * budget / self.task.matrix.size * 4**ndim), 32 * 4**ndim)
            while bits >= 9 and self._size(ndim, "rate", bits) > budget:
                bits -= 1
            if bits >= 9:
                rate = f"{ndim}-D rate {bits / 4**ndim:g}"
                yield rate, partial(self._code, ndim, "rate", bits)


class Sz3(Peer):
    """SZ3 with each of its predictors, the absolute error bound set by bisection."""

    # Error bounds are 2^(k/FINE) of the root mean square of the entries.
    FINE = 64
    PREDICTORS: ClassVar = {
        "interpolation or Lorenzo": ("ALGO_INTERP_LORENZO", ""),
        "Lorenzo, regression": ("ALGO_LORENZO_REG", ""),
        "Lorenzo": ("ALGO_LORENZO_REG", "Regression = NO\n"),
        "cubic": ("ALGO_INTERP", "InterpolationAlgo = INTERP_ALGO_CUBIC\n"),
        "cubic, columns first": (
            "ALGO_INTERP",
            "InterpolationAlgo = INTERP_ALGO_CUBIC\nInterpolationDirection = 1\n",
        ),
        "linear": ("ALGO_INTERP", "InterpolationAlgo = INTERP_ALGO_LINEAR\n"),
        "linear, columns first": (
            "ALGO_INTERP",
            "InterpolationAlgo = INTERP_ALGO_LINEAR\nInterpolationDirection = 1\n",
        ),
        "no prediction": ("ALGO_NOPRED", ""),
    }

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.sizes: dict[tuple[str, int], int] = {}

    @classmethod
    def encode(cls, values: NDArray[np.float32], predictor: str, bound: float) -> NDArray[np.uint8]:
        """Code an array of any number of axes."""
        from pysz import sz, szConfig, szErrorBoundMode

        algorithm, more = cls.PREDICTORS[predictor]
        config = szConfig(values.shape)
        with tempfile.NamedTemporaryFile("w", suffix=".ini") as file:
            file.write(f"[GlobalSettings]\nCmprAlgo = {algorithm}\n[AlgoSettings]\n{more}")
            file.flush()
            config.loadcfg(file.name)
        config.errorBoundMode = szErrorBoundMode.ABS
        config.absErrorBound = bound
        encoded: NDArray[np.uint8] = sz.compress(values, config)[0]
        return encoded

    def _encode(self, predictor: str, k: int) -> NDArray[np.uint8]:
        return self.encode(self.task.single, predictor, self.task.rms * 2 ** (k / self.FINE))

    def _size(self, predictor: str, k: int) -> int:
        if (predictor, k) not in self.sizes:
            self.sizes[predictor, k] = len(self._encode(predictor, k))
        return self.sizes[predictor, k]

    def _code(self, predictor: str, k: int) -> tuple[int, Decoded]:
        from pysz import sz

        encoded = self._encode(predictor, k)
        return len(encoded), sz.decompress(encoded, np.float32, self.task.matrix.shape)[0]

    def candidates(self, budget: int) -> Iterator[tuple[str, Coding]]:
        """Of each predictor the smallest bound that fits, and two larger ones."""
        for predictor in self.PREDICTORS:
            k = finest(partial(self._size, predictor), -20 * self.FINE, 5 * self.FINE, budget)
            # Where bounds are as large as the entries, a larger one can give the smaller error.
            for more in () if k is None else (k, k + self.FINE // 4, k + self.FINE):
                bound = f"bound {self.task.rms * 2 ** (more / self.FINE):.4g}"
                yield f"{predictor}, {bound}", partial(self._code, predictor, more)
