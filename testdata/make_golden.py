"""Make the golden files of a version of the format.

    python testdata/make_golden.py testdata/golden/v0.1

Run once for every version of the format; what is there is never made again. The expectations
come from the reference decoder, formats/lplr/decode.py, not from the product.
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
from lplrcli.container.writer import write_container
from lplrcli.model.compressed import Factorization

ROOT = Path(__file__).resolve().parent
DTYPES = (
    *("float16", "float32", "float64", "bfloat16", "bool"),
    *(f"{kind}{width}" for kind in ("int", "uint") for width in (8, 16, 32, 64)),
)


def matrix(rows: int, columns: int, seed: int) -> np.ndarray[Any, Any]:
    """A matrix of decaying spectrum, entries of about 20."""
    generator = np.random.default_rng(seed)
    left, right = generator.standard_normal((rows, 12)), generator.standard_normal((12, columns))
    return 20 * (left * 2.0 ** -np.arange(12)) @ right


def cases() -> dict[str, list[Factorization]]:
    """Name and matrices of every golden file."""
    found: dict[str, list[Factorization]] = {}
    for method in ("packed", "lplr", "lsvd", "dsvd", "nq"):
        rank = None if method == "nq" else 6
        for bits in (1, 3, 8, 13):
            array = matrix(57, 23, bits).astype(np.float32)
            found[f"{method}-{bits}"] = [compress(array, rank, bits, method=method).factorization]
    for dtype in DTYPES:
        array = np.load(ROOT / "dtypes" / f"{dtype}.npy")
        if dtype == "bfloat16":
            import ml_dtypes

            array = array.view(ml_dtypes.bfloat16)
        found[f"dtype-{dtype}"] = [compress(array, 3, 6).factorization]
    found["exponent-large"] = [compress(matrix(40, 30, 1) * 1e290, 4, 4).factorization]
    found["exponent-small"] = [compress(matrix(40, 30, 2) * 1e-290, 4, 4).factorization]
    found["zero"] = [compress(np.zeros((7, 5), np.float32), 2, 4).factorization]
    found["one-entry"] = [compress(np.full((1, 1), 2.5), 1, 4).factorization]
    several = found["packed-3"] + found["nq-8"] + found["zero"]
    found["three-matrices"] = several
    found["many-chunks"] = [small_chunks(matrix(300, 90, 3).astype(np.float32), "packed")]
    found["many-chunks-direct"] = [small_chunks(matrix(50, 90, 4).astype(np.float32), "nq")]
    sketched = compress(matrix(30, 1100, 5).astype(np.float32), 5, 4, sketch="srht")
    found["sketched"] = [replace(sketched.factorization, source={"format": "npy"})]
    return found


def small_chunks(array: np.ndarray[Any, Any], method: str) -> Factorization:
    """Compress with chunks of 64 entries, where the product would make one."""
    rank = None if method == "nq" else 6
    with (
        mock.patch("lplrcli.pipeline.packed.chunk_entries", lambda *_: 64),
        mock.patch("lplrcli.pipeline.baselines.chunk_entries", lambda *_: 64),
    ):
        return compress(array, rank, 5, method=method).factorization


def main() -> None:
    """Write every file and its expectation, unless it exists."""
    folder = Path(sys.argv[1])
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
