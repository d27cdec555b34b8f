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
    found = of_packed_codes() | of_entropy_codes()
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


if __name__ == "__main__":
    main()
