"""Two pictures by the paper's methods and by the engine, side by side.

Usage: python benchmarks/paper/images.py [--bpc X ...] [--no-engine] [--out FOLDER]

The Shepp-Logan phantom, 1000 x 1000, and a photograph, 512 x 512, each compressed to every size:
writes `phantom.png` and `camera.png`, a row of pictures for each size, and prints a Markdown
table. The pictures are shown at a quarter and half of their width, each pixel the mean of a
square, clipped to the range of the original, in 32 levels of grey. See methods.py on how
settings are chosen. Of `nq` and `nq+` only the latter is shown, whose files are a little larger
than the size. Needs Pillow.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from methods import Result, add_options, best, cells, methods
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

CAMERA = Path(__file__).parents[2] / "testdata" / "img_camera.npy"

ELLIPSES = (
    (1.0, 0.69, 0.92, 0.0, 0.0, 0),
    (-0.8, 0.6624, 0.874, 0.0, -0.0184, 0),
    (-0.2, 0.11, 0.31, 0.22, 0.0, -18),
    (-0.2, 0.16, 0.41, -0.22, 0.0, 18),
    (0.1, 0.21, 0.25, 0.0, 0.35, 0),
    (0.1, 0.046, 0.046, 0.0, 0.1, 0),
    (0.1, 0.046, 0.046, 0.0, -0.1, 0),
    (0.1, 0.046, 0.023, -0.08, -0.605, 0),
    (0.1, 0.023, 0.023, 0.0, -0.606, 0),
    (0.1, 0.023, 0.046, 0.06, -0.605, 0),
)
"""Added intensity, half axes, centre and angle in degrees: Shepp and Logan 1974, with the
intensities of Toft 1996, which can be told apart by eye."""

LEVELS = 32
GAP = 6
LINE = 16
"""Pixels between pictures, and for a line of text."""


def phantom(size: int) -> NDArray[np.float32]:
    """Make the Shepp-Logan phantom, by the centres of the pixels of a square of side 2."""
    axis = (2 * np.arange(size) + 1) / size - 1
    x, y = axis[None, :], -axis[:, None]
    image = np.zeros((size, size))
    for intensity, a, b, x0, y0, degrees in ELLIPSES:
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        along = (x - x0) * cos + (y - y0) * sin
        across = (y - y0) * cos - (x - x0) * sin
        image[(along / a) ** 2 + (across / b) ** 2 <= 1] += intensity
    # All intensities are tenths, but sums of them in binary are not: 1 - 0.8 - 0.2 is below 0.
    return image.round(1).astype(np.float32)


def grey(matrix: NDArray[np.floating], low: float, high: float, reduced: int) -> Image.Image:
    """Entries from `low` to `high` as grey levels, one pixel for each square of them."""
    n, d = (side // reduced for side in matrix.shape)
    clipped = np.clip((matrix - low) / (high - low), 0, 1)
    means = clipped[: n * reduced, : d * reduced].reshape(n, reduced, d, reduced).mean((1, 3))
    levels = np.rint(means * (LEVELS - 1)) * (255 / (LEVELS - 1))
    return Image.fromarray(levels.astype(np.uint8))


def sheet(
    matrix: NDArray[np.float32], rows: list[tuple[float, dict[str, Result | None]]], reduced: int
) -> Image.Image:
    """Draw the original and what each method made of it, a row for each size."""
    low, high = float(matrix.min()), float(matrix.max())
    original = grey(matrix, low, high, reduced)
    panels: list[list[tuple[str, str, Image.Image]]] = []
    for bpc, results in rows:
        row = [("original", f"and within {bpc:g} bpc:", original)]
        for name, result in results.items():
            if name == "nq" and "nq+" in results:
                continue
            if result is None:
                row.append((name, "does not fit", Image.new("L", original.size, 255)))
            else:
                caption = f"error {result.error:.3f}, {result.bpc:.3f} bpc"
                title = f"{name} {result.setting}"
                row.append((title, caption, grey(result.decoded, low, high, reduced)))
        panels.append(row)

    width, height = original.width + GAP, original.height + 2 * LINE + GAP
    size = (width * max(map(len, panels)) + GAP, height * len(panels) + GAP)
    drawn = Image.new("L", size, 255)
    pen, font = ImageDraw.Draw(drawn), ImageFont.load_default(13)
    # Without this the edges of letters would add grey levels, and bytes.
    pen.fontmode = "1"
    for i, row in enumerate(panels):
        for j, (title, caption, picture) in enumerate(row):
            x, y = GAP + j * width, GAP + i * height
            drawn.paste(picture, (x, y))
            pen.text((x, y + picture.height), title, fill=0, font=font)
            pen.text((x, y + picture.height + LINE), caption, fill=0, font=font)
    return drawn


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent, metavar="FOLDER",
        help="where the pictures are written [default: beside this script]",
    )  # fmt: skip
    add_options(parser, sizes=(1.0, 2.0))
    options = parser.parse_args()

    pictures = {"phantom": (phantom(1000), 4), "camera": (np.load(CAMERA), 2)}
    print("| picture | bpc | method | setting | bytes | bpc of the file | error |")
    print("|---|--:|---|---|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        for name, (matrix, reduced) in pictures.items():
            rows = []
            for bpc in options.bpc:
                results = {}
                for method in methods(options):
                    results[method] = best(method, matrix, bpc, Path(folder))
                    print(f"| {name} | {bpc:g} | {method} | {cells(results[method])} |", flush=True)
                rows.append((bpc, results))
            # Few levels of grey: a palette of them takes fewer bits than a byte for each pixel.
            drawn = sheet(matrix, rows, reduced).quantize(LEVELS)
            drawn.save(options.out / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
