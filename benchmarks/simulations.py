"""Snapshots of two flows, solved here: what field compressors are made for.

Used by `snapshots.py`. Both flows are periodic in the unit square and pseudo-spectral: products
are formed on the grid, derivatives in Fourier space, where the upper third of the waves is cut so
that products fold nothing back onto the rest. Steps are of the midpoint rule, viscosity
is integrated exactly. A snapshot is a column, its points in the order of ``reshape(grid)``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Waves = NDArray[np.complex128]
Fields = NDArray[np.float64]
TAU = 2 * np.pi


@dataclass(frozen=True)
class Flow:
    """How finely a flow is solved, and which instants are kept."""

    side: int
    snapshots: int
    step: float
    steps_between: int
    viscosity: float


BURGERS = Flow(side=128, snapshots=1000, step=5e-4, steps_between=4, viscosity=2e-3)
SHALLOW_WATER = Flow(side=96, snapshots=500, step=1e-3, steps_between=4, viscosity=1e-4)


class Square:
    """A periodic square of side 1 with `side` times `side` points."""

    def __init__(self, side: int) -> None:
        self.side = side
        axis = np.arange(side) / side
        self.x, self.y = np.meshgrid(axis, axis, indexing="ij")
        waves = TAU * np.fft.fftfreq(side, 1 / side)
        # Of real fields half of the waves along y say all.
        self.kx, self.ky = waves[:, None], np.abs(waves[: side // 2 + 1])
        cut = 2 / 3 * np.abs(waves).max()
        self.kept = (np.abs(self.kx) < cut) & (self.ky < cut)

    def to_waves(self, fields: Fields) -> Waves:
        """Fourier coefficients of fields, without the cut ones."""
        return np.asarray(np.fft.rfft2(fields) * self.kept, np.complex128)

    def to_fields(self, waves: Waves) -> Fields:
        """Values on the grid."""
        return np.fft.irfft2(waves, (self.side, self.side))

    def gradient(self, waves: Waves) -> tuple[Fields, Fields]:
        """Derivatives along x and y, on the grid."""
        return self.to_fields(1j * self.kx * waves), self.to_fields(1j * self.ky * waves)


def march(
    flow: Flow, square: Square, waves: Waves, rate: Callable[[Waves], Waves]
) -> NDArray[np.float32]:
    """Follow a flow; its first field at every instant kept, a column each."""
    squares = square.kx**2 + square.ky**2
    step, half = flow.step, flow.step / 2
    whole_decay = np.exp(-flow.viscosity * squares * step)
    half_decay = np.exp(-flow.viscosity * squares * half)
    kept = np.empty((square.side**2, flow.snapshots), np.float32)
    for instant in range(flow.snapshots):
        kept[:, instant] = square.to_fields(waves[0]).ravel()
        for _ in range(flow.steps_between):
            middle = half_decay * (waves + half * rate(waves))
            waves = whole_decay * waves + step * half_decay * rate(middle)
    return kept


def burgers() -> NDArray[np.float32]:
    """Velocity along x of the viscous Burgers equations: smooth waves that steepen to fronts."""
    square = Square(BURGERS.side)
    x, y = TAU * square.x, TAU * square.y
    along_x = np.sin(x) * np.cos(y) + 0.5 * np.sin(2 * y) + 0.3 * np.cos(x + 2 * y)
    along_y = -np.cos(x) * np.sin(y) + 0.4 * np.cos(2 * x)

    def rate(waves: Waves) -> Waves:
        """Each velocity, carried along by both."""
        u, v = square.to_fields(waves)
        by_x, by_y = square.gradient(waves)
        return -square.to_waves(u * by_x + v * by_y)

    return march(BURGERS, square, square.to_waves(np.stack([along_x, along_y])), rate)


def shallow_water() -> NDArray[np.float32]:
    """Height above rest of shallow water on a turning plane: two humps sent round and through.

    Depth and gravity are 1, so that waves cross the square in one unit of time.
    """
    square = Square(SHALLOW_WATER.side)
    turning = 2.0
    height = np.zeros_like(square.x)
    for x, y, width, top in ((0.3, 0.4, 0.025, 0.1), (0.7, 0.65, 0.04, -0.06)):
        # Nearest distances round the square; its far side is at least five widths away.
        across, along = (np.abs(d) for d in (square.x - x, square.y - y))
        distance = np.hypot(np.minimum(across, 1 - across), np.minimum(along, 1 - along))
        height += top * np.exp(-((distance / width) ** 2) / 2)
    along_x = 0.3 * np.sin(TAU * square.y)
    along_y = 0.15 * np.cos(2 * TAU * square.x)

    def rate(waves: Waves) -> Waves:
        """Height by the flux of water, velocities by transport, turning and slope."""
        height, u, v = square.to_fields(waves)
        by_x, by_y = square.gradient(waves)
        flux = square.to_waves(np.stack([(1 + height) * u, (1 + height) * v]))
        carried = u * by_x + v * by_y
        pushed_x = turning * v - by_x[0] - carried[1]
        pushed_y = -turning * u - by_y[0] - carried[2]
        pushed = square.to_waves(np.stack([pushed_x, pushed_y]))
        drained = -1j * (square.kx * flux[0] + square.ky * flux[1])
        return np.concatenate([drained[None], pushed])

    start = square.to_waves(np.stack([height, along_x, along_y]))
    return march(SHALLOW_WATER, square, start, rate)
