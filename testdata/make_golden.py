"""Make the golden files of the present version of the format.

    python testdata/make_golden.py

Run once for every version of the format, when it is released: what is there is kept, those of
other versions are not touched. The expectations come from the reference decoder,
formats/lplr/decode.py, not from the product.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from lplrcli.api import compress
from lplrcli.container.layout import VERSION
from lplrcli.container.writer import write_container
from lplrcli.model.compressed import Factorization
from lplrcli.pipeline.layout import Layout

ROOT = Path(__file__).resolve().parent
DTYPES = (
    *("float16", "float32", "float64", "bfloat16", "bool"),
    *(f"{kind}{width}" for kind in ("int", "uint") for width in (8, 16, 32, 64)),
)
MODES = ("factors", "factors+residual", "direct")

Array = np.ndarray[Any, Any]


def matrix(rows: int, columns: int, seed: int) -> Array:
    """A matrix of decaying spectrum, entries of about 20."""
    generator = np.random.default_rng(seed)
    left, right = generator.standard_normal((rows, 12)), generator.standard_normal((12, columns))
    return 20 * (left * 2.0 ** -np.arange(12)) @ right


def noisy(rows: int, columns: int, seed: int) -> Array:
    """The same in float32 with noise, which a residual has to hold."""
    noise = np.random.default_rng(seed + 1).standard_normal((rows, columns))
    return (matrix(rows, columns, seed) + 3 * noise).astype(np.float32)


def smooth(rows: int, columns: int) -> Array:
    """Columns in which neighbours are alike: contexts pay."""
    steps = np.random.default_rng(7).standard_normal((rows, columns))
    return np.cumsum(steps, axis=0).astype(np.float32)


def field(*extents: int, seed: int = 0) -> Array:
    """A smooth array of several axes with an edge, and a little noise."""
    generator = np.random.default_rng(seed)
    places = np.meshgrid(*(np.linspace(0, 1, extent) for extent in extents), indexing="ij")
    waves = sum(np.sin((3 + i) * place + i) for i, place in enumerate(places))
    edge = 0.5 * (sum(places) > 0.6 * len(extents))
    return np.asarray(waves + edge + 0.01 * generator.standard_normal(extents)).astype(np.float32)


def bumps(grid: tuple[int, ...], columns: int, seed: int = 0) -> Array:
    """A matrix of low rank whose rows are places of a grid, on which columns are smooth."""
    generator = np.random.default_rng(seed)
    places = np.stack(np.meshgrid(*(np.linspace(0, 1, n) for n in grid), indexing="ij"), axis=-1)
    centres = generator.uniform(0, 1, (6, len(grid)))
    squares = np.square(places[..., None, :] - centres).sum(axis=-1).reshape(-1, 6)
    noise = 1e-3 * generator.standard_normal((len(squares), columns))
    weights = generator.standard_normal((6, columns)) * 2.0 ** -np.arange(6)[:, None]
    return np.asarray(np.exp(-4 * squares) @ weights + noise).astype(np.float32)


def chirps(grid: tuple[int, ...], columns: int, seed: int = 0) -> Array:
    """A matrix whose rows are places of a grid, on which columns are sums of products of chirps."""
    generator = np.random.default_rng(seed)
    weights = generator.standard_normal((*[3] * len(grid), columns))
    for axis, extent in enumerate(grid):
        turns = np.outer([0.1, 0.2, 0.3], np.arange(extent) ** 2)
        lines = np.cos(turns + generator.uniform(0, 6, (3, 1)))
        weights = np.moveaxis(np.tensordot(lines, weights, (0, axis)), 0, axis)
    noise = 1e-3 * generator.standard_normal(weights.shape)
    return (weights + noise).reshape(-1, columns).astype(np.float32)


def stored(dtype: str) -> Array:
    """One of the small matrices of every type of entry."""
    array: Array = np.load(ROOT / "dtypes" / f"{dtype}.npy")
    if dtype == "bfloat16":
        import ml_dtypes

        array = array.view(ml_dtypes.bfloat16)
    return array


def made(array: Array, *arguments: Any, **options: Any) -> list[Factorization]:
    """One compressed matrix."""
    return [compress(array, *arguments, **options).factorization]


def of_packed_codes() -> dict[str, list[Factorization]]:
    """Name and matrices of the files whose codes have a fixed width."""
    found: dict[str, list[Factorization]] = {}
    for method in ("packed", "lplr", "lsvd", "dsvd", "nq"):
        rank = None if method == "nq" else 6
        for bits in (3, 13):
            array = matrix(57, 23, bits).astype(np.float32)
            found[f"{method}-{bits}"] = made(array, rank, bits, method=method)
    for dtype in ("float16", "bfloat16", "uint8", "int64"):
        found[f"packed-{dtype}"] = made(stored(dtype), 3, 6)
    found["packed-exponent"] = made(matrix(40, 30, 1) * 1e290, 4, 4)
    found["packed-zero"] = made(np.zeros((7, 5), np.float32), 2, 4)
    with small_chunks():
        found["packed-many-chunks"] = made(matrix(300, 90, 3).astype(np.float32), 6, 5)
        found["nq-many-chunks"] = made(matrix(50, 90, 4).astype(np.float32), bits=5, method="nq")
    sketched = compress(matrix(30, 1100, 5).astype(np.float32), 5, 4, sketch="srht")
    found["packed-sketched"] = [replace(sketched.factorization, source={"format": "npy"})]
    return found


def of_entropy_codes() -> dict[str, list[Factorization]]:
    """Name and matrices of the files of the rate-distortion engine."""
    found: dict[str, list[Factorization]] = {}
    for mode in MODES:
        found[f"{mode}-size"] = made(noisy(60, 40, 1), bpc=5, mode=mode)
        found[f"{mode}-error"] = made(noisy(60, 40, 2), rel_error=0.03, mode=mode)
        for state_bits in (0, *range(3, 9)):
            name = f"{mode}-{f'trellis-{2**state_bits}' if state_bits else 'deadzone'}"
            with states(state_bits):
                found[name] = made(noisy(45, 30, state_bits), rel_error=0.1, mode=mode)
    for mode in MODES[1:]:
        found[f"{mode}-plain"] = made(noisy(60, 40, 3), max_abs_error=0.7, mode=mode)
        found[f"{mode}-wide-codes"] = made(noisy(40, 30, 4), rel_error=1e-6, mode=mode)
    found["contexts"] = made(smooth(300, 12), rel_error=0.01, mode="direct")
    found["contexts-deadzone"] = made(smooth(300, 12), max_abs_error=0.1, mode="direct")
    found["rank-limit"] = made(noisy(60, 40, 5), 4, rel_error=0.1)
    found["lossless"] = made(np.round(matrix(60, 40, 6)), rel_error=0)
    found["lossless-fractions"] = made(
        (np.round(matrix(60, 40, 6)) / 255).astype(np.float32), rel_error=0
    )
    for dtype in DTYPES:
        found[f"dtype-{dtype}"] = made(stored(dtype), rel_error=0.02)
        found[f"dtype-{dtype}-direct"] = made(stored(dtype), rel_error=0.1, mode="direct")
    for name, scale in (("large", 1e290), ("small", 1e-290)):
        for mode in MODES:
            array = scale * matrix(30, 20, 1)
            found[f"exponent-{name}-{mode}"] = made(array, rel_error=0.1, mode=mode)
    found["zero"] = made(np.zeros((7, 5), np.float32), bpc=200)
    found["zero-direct"] = made(np.zeros((7, 5), np.uint8), rel_error=0.1, mode="direct")
    found["one-entry"] = made(np.full((1, 1), 2.5), rel_error=0.01)
    found["one-row"] = made(noisy(1, 60, 1), rel_error=0.1)
    found["one-column"] = made(noisy(60, 1, 1), rel_error=0.1)
    with small_chunks():
        for mode in MODES:
            found[f"{mode}-many-chunks"] = made(noisy(200, 90, 7), rel_error=0.2, mode=mode)
    return found


def of_transforms() -> dict[str, list[Factorization]]:
    """Name and matrices of the files whose factors or residual are transformed."""
    found: dict[str, list[Factorization]] = {}
    for name, grid in (("1-axis", (150,)), ("2-axes", (18, 13)), ("3-axes", (9, 7, 5))):
        array = bumps(grid, 30, len(grid))
        found[f"dct-{name}"] = made(array, rel_error=0.02, mode="factors", row_grid=grid)
    array = bumps((12, 10), 77, 4)
    options: dict[str, Any] = {"row_grid": (12, 10), "column_grid": (7, 11)}
    found["dct-both-sides"] = made(array, rel_error=0.02, mode="factors", **options)
    for name, grid in (("2-axes", (22, 19)), ("3-axes", (9, 11, 7))):
        options = {"row_grid": grid, "transform": "klt"}
        found[f"klt-{name}"] = made(chirps(grid, 14), rel_error=0.02, mode="factors", **options)
    options = {"row_grid": (14, 11), "column_grid": (7, 9), "transform": "klt"}
    array = chirps((14, 11), 27) @ chirps((7, 9), 27, 1).T
    found["klt-both-sides"] = made(array, rel_error=0.01, mode="factors+residual", **options)
    with small_layers():
        array = bumps((43, 6), 30, 5)
        found["dct-many-chunks"] = made(array, rel_error=0.02, mode="factors", row_grid=(43, 6))
        found["cdf97-many-chunks"] = made(field(83, 24), rel_error=0.02, mode="direct")
    with fields_everywhere():
        found["cdf97-direct"] = made(field(61, 43), rel_error=0.02, mode="direct")
        found["cdf97-3-axes"] = made(field(9, 14, 19), rel_error=0.02, mode="direct")
        found["cdf97-unfolded"] = made(field(5, 9, 4, 11), rel_error=0.02, mode="direct", unfold=2)
        found["cdf97-residual"] = made(field(64, 53), rel_error=0.01, mode="factors+residual")
        image = np.clip(np.round(60 * field(40, 51) + 90), 0, 255).astype(np.uint8)
        found["cdf97-uint8"] = made(image, rel_error=0.03, mode="direct")
        found["cdf97-exponent"] = made(
            1e290 * field(30, 21).astype(np.float64), rel_error=0.02, mode="direct"
        )
        with states(0):
            found["cdf97-deadzone"] = made(field(37, 44), rel_error=0.01, mode="direct")
    with small_layers("cdf97-tensor"):
        found["cdf97-tensor-many-chunks"] = made(field(83, 24), rel_error=0.02, mode="direct")
    with fields_everywhere("cdf97-tensor"):
        for name, extents in (("2-axes", (61, 43)), ("3-axes", (9, 14, 19))):
            array = field(*extents)
            found[f"cdf97-tensor-{name}"] = made(array, rel_error=0.005, mode="direct")
            with states(0):
                found[f"cdf97-tensor-{name}-deadzone"] = made(array, rel_error=0.02, mode="direct")
    array = bumps((18, 13), 30, 6)
    found["dct-fine"] = made(array, rel_error=0.0003, mode="factors", row_grid=(18, 13))
    with states(0):
        found["dct-deadzone"] = made(array, rel_error=0.02, mode="factors", row_grid=(18, 13))
    return found


def of_means() -> dict[str, list[Factorization]]:
    """Name and matrices of the files in which means are stored apart."""
    found: dict[str, list[Factorization]] = {}
    array = noisy(60, 40, 1) + 30 * np.sin(np.arange(40)) + 20 * np.cos(np.arange(60))[:, None]
    for mode, center in zip(MODES, ("both", "mean-row", "mean-column"), strict=True):
        found[f"means-{mode}"] = made(array, rel_error=0.03, mode=mode, center=center)
    array = bumps((12, 10), 77, 4) + 5 * bumps((12, 10), 1)
    options: dict[str, Any] = {"row_grid": (12, 10), "column_grid": (7, 11)}
    found["means-dct"] = made(array, rel_error=0.01, center="both", **options)
    with small_chunks():
        array = noisy(200, 90, 7) + 30 * np.sin(np.arange(90)) + 9
        found["means-many-chunks"] = made(
            array, rel_error=0.1, mode="factors", center="both", transform="none"
        )
    return found


@contextlib.contextmanager
def fields_everywhere(transform: str = "cdf97") -> Any:
    """Code what has no factors, or what they leave, as a field under that transform."""
    names = {"_FIELD_GAIN": -99, "_LEAST_EXTENT": 1, "FIELD_TRANSFORMS": (transform,)}
    with mock.patch.multiple("lplrcli.pipeline.prospects", **names):
        yield


@contextlib.contextmanager
def small_layers(transform: str = "cdf97") -> Any:
    """Chunks of 8 layers, or the next number that a chunk may have, where it is transformed."""
    original = Layout.chunk_length

    def chunk_length(layout: Layout, *_: Any) -> int:
        return original(layout, 64, 8)

    with mock.patch.object(Layout, "chunk_length", chunk_length), fields_everywhere(transform):
        yield


def states(state_bits: int) -> contextlib.AbstractContextManager[Any]:
    """Make the engine use this machine for everything."""
    return mock.patch("lplrcli.pipeline.mode_coders._STATE_BITS", ((2**63, state_bits),))


@contextlib.contextmanager
def small_chunks() -> Any:
    """Chunks of 64 rows, where the product would make one."""
    pipeline = "lplrcli.pipeline"
    with (
        mock.patch(f"{pipeline}.packed.chunk_entries", lambda *_: 64),
        mock.patch(f"{pipeline}.baselines.chunk_entries", lambda *_: 64),
        mock.patch(f"{pipeline}.factor_coding.chunk_entries", lambda *_: 64),
        mock.patch(f"{pipeline}.residual_coding._CHUNK", 1),
        mock.patch(f"{pipeline}.residual_coding._LEAST_ROWS", 64),
    ):
        yield


def cases() -> dict[str, list[Factorization]]:
    """Name and matrices of every golden file."""
    found = of_packed_codes() | of_entropy_codes() | of_transforms() | of_means()
    found["three-matrices"] = found["packed-3"] + found["contexts"] + found["zero"]
    return found


def main() -> None:
    """Write every file and its expectation, unless it exists."""
    folder = ROOT / "golden" / "v{}.{}".format(*VERSION)
    folder.mkdir(parents=True, exist_ok=True)
    sys.path.insert(0, str(ROOT.parent / "formats" / "lplr"))
    import decode

    for name, factorizations in cases().items():
        path = folder / f"{name}.lplr"
        if path.exists():
            print(f"{path} exists and is kept")
            continue
        with path.open("wb") as stream:
            write_container(stream, factorizations)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), mock.patch("sys.argv", ["decode", str(path)]):
            if decode.main():
                raise SystemExit(f"{path}: refused by the reference decoder")
        document = json.loads(printed.getvalue())
        path.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
        hashes = [each for matrix in document["matrices"] for each in matrix["factors"].values()]
        if any("coefficients_sha256" in each for each in hashes):
            # Of what is transformed not every digit is told: the first matrix is kept as it is.
            np.save(path.with_suffix(".npy"), decode.decode_file(path)[0].array)


if __name__ == "__main__":
    main()
