"""Proper orthogonal decomposition of a flow from its compressed file, in numbers and a figure.

Usage: python benchmarks/pod_figure.py [--bpc 0.2] [--out benchmarks/pod]

Solves the 2-D Burgers equations, one component of which on a grid of 64 x 64 at 200 times is a
matrix with a snapshot in each column. Compresses it by `lplr compress --bpc`, decodes one column,
takes modes and singular values from the file, and compares them with the SVD of the matrix itself.
Writes `burgers.svg` and prints what the manual quotes. Needs matplotlib.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from measuring import lplr_command, run
from numpy.typing import NDArray

import lplrcli

GRID, SNAPSHOTS = 64, 200
VISCOSITY = 0.04
STEP, STEPS = 0.005, 4
"""Of time, and how many of them between snapshots."""

WIND = (1.0, 0.5)
"""Mean velocity. What a flow carries along needs many modes: without a wind they would be few."""

SHOWN = 120
"""The snapshot of the figure: fronts have formed, and not yet decayed."""

LEADING = (5, 10)
"""How many modes are compared with those of the matrix."""


def burgers(seed: int = 0) -> NDArray[np.float32]:
    """Solve ``u_t + (u · ∇) u = ν Δu`` in a periodic square; first component, (GRID², SNAPSHOTS).

    Pseudo-spectral, products dealiased by the 2/3 rule (Orszag 1971), viscosity exactly by an
    integrating factor, the rest by Runge-Kutta's classical fourth-order method.
    """
    waves = np.fft.fftfreq(GRID, 1 / GRID)
    kx, ky = waves[:, None], waves[None, :]
    kept = np.maximum(np.abs(kx), np.abs(ky)) < GRID / 3
    half = np.exp(-VISCOSITY * (kx**2 + ky**2) * STEP / 2)
    rng = np.random.default_rng(seed)
    white = np.fft.fft2(rng.standard_normal((2, GRID, GRID)))
    state = white * ((kx**2 + ky**2) <= 9)
    state /= np.abs(np.fft.ifft2(state)).max()
    state[:, 0, 0] = GRID**2 * np.array(WIND)

    def advected(hat: NDArray[np.complex128]) -> NDArray[np.complex128]:
        u, v = np.fft.ifft2(hat).real
        along, across = np.fft.ifft2(1j * kx * hat).real, np.fft.ifft2(1j * ky * hat).real
        return np.where(kept, -np.fft.fft2(u * along + v * across), 0)

    snapshots = np.empty((GRID * GRID, SNAPSHOTS), np.float32)
    for number in range(SNAPSHOTS):
        snapshots[:, number] = np.fft.ifft2(state[0]).real.ravel() - WIND[0]
        for _ in range(STEPS):
            first = advected(state)
            second = advected(half * (state + STEP / 2 * first))
            third = advected(half * state + STEP / 2 * second)
            fourth = advected(half**2 * state + STEP * half * third)
            state = half**2 * (state + STEP / 6 * first) + STEP / 6 * (
                2 * half * (second + third) + fourth
            )
    return snapshots


def compressed(snapshots: NDArray[np.float32], bpc: float, folder: Path) -> Path:
    """Compress the snapshots by the command line; the file."""
    source, target = folder / "u.npy", folder / "u.lplr"
    np.save(source, snapshots)
    run([*lplr_command(), "compress", str(source), "--bpc", str(bpc), "-o", str(target)])
    return target


def report(snapshots: NDArray[np.float32], c: lplrcli.CompressedMatrix) -> None:
    """Print what the file costs, and how its modes compare with those of the matrix."""
    field = snapshots.astype(np.float64)
    vectors, values, _ = np.linalg.svd(field, full_matrices=False)
    print(f"snapshots {snapshots.shape[0]} x {snapshots.shape[1]}, {snapshots.nbytes} bytes")
    print(f"file {c.size_report.file_bytes} bytes, ratio {c.size_report.compression_ratio:.0f}")
    print(f"modes {c.rank}, relative error {c.report.relative_frobenius_error:.4f}")
    for k in LEADING:
        modes = c.modes(k)
        off = np.abs(c.singular_values[:k] / values[:k] - 1).max()
        cosines = np.abs(np.sum(modes * vectors[:, :k], axis=0))
        angle = np.degrees(np.arccos(cosines.clip(0, 1))).max()
        left_out = np.linalg.norm(field - modes @ (modes.T @ field)) / np.linalg.norm(field)
        least = np.linalg.norm(values[k:]) / np.linalg.norm(values)
        print(f"first {k} modes beside those of the matrix:")
        print(
            f"  singular values differ by {100 * off:.2f} %, angles by {angle:.1f} degrees at most"
        )
        print(f"  they leave {left_out:.5f} of the norm of the matrix, its own {least:.5f}")


def draw(snapshots: NDArray[np.float32], c: lplrcli.CompressedMatrix, path: Path) -> None:
    """Draw a snapshot before and after, what lies between, two modes and the spectrum."""
    original = snapshots[:, SHOWN]
    decoded = c[:, SHOWN]  # of the right factor, only the chunk with this column
    modes = c.modes(2)
    pictures = {
        f"snapshot {SHOWN}": original,
        f"decoded, ratio {c.size_report.compression_ratio:.0f}": decoded,
        "difference": decoded - original,
        "mode 1": modes[:, 0],
        "mode 2": modes[:, 1],
    }
    figure = Figure(figsize=(9, 5.6), layout="constrained")
    panels = figure.subplots(2, 3).ravel()
    for axes, (title, values) in zip(panels, pictures.items(), strict=False):
        limit = np.abs(original if values is decoded else values).max()
        # Not interpolated, a picture is 64 x 64 pixels in the file, whatever its size when shown.
        image = axes.imshow(
            values.reshape(GRID, GRID).T,
            cmap="RdBu_r",
            vmin=-limit,
            vmax=limit,
            origin="lower",
            interpolation="none",
        )
        axes.set(title=title, xticks=[], yticks=[])
        figure.colorbar(image, ax=axes, shrink=0.8)
    axes = panels[-1]
    exact = np.linalg.svd(snapshots.astype(np.float64), compute_uv=False)[: 2 * c.rank]
    axes.semilogy(np.arange(1, len(exact) + 1), exact, "k-", label="of the matrix")
    axes.semilogy(np.arange(1, c.rank + 1), c.singular_values, "C3o", ms=4, label="of the file")
    axes.set(title="singular values", xlabel="mode")
    axes.grid(color="0.9")
    axes.legend()
    # A date or a version in the file would make equal figures differ.
    figure.savefig(path, metadata={"Date": None, "Creator": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--bpc", type=float, default=0.2, help="bits per coordinate of the file")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("pod"))
    options = parser.parse_args()
    matplotlib.rcParams.update({"svg.hashsalt": "lplr", "svg.fonttype": "none"})
    snapshots = burgers()
    options.out.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        file = compressed(snapshots, options.bpc, Path(folder))
        with lplrcli.open(file) as c:
            report(snapshots, c)
            draw(snapshots, c, options.out / "burgers.svg")


if __name__ == "__main__":
    main()
