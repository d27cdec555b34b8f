"""Print metadata.dict: what the metadata of files is compressed against.

    python make_dictionary.py > metadata.dict

Typical metadata of each mode and method, one text after another, those met most often last, where
a reference to them is shortest. Where a number in a file has as many digits as the one here, the
reference to the text behind it costs least: so these have the usual number of digits.
The file is fixed for ever, since every file of version 0.2 and of versions 1.x needs it.
"""

import json
import math
import sys
from typing import Any

SHAPES = ((50257, 768), (384, 384), (4096, 1024), (1909, 300), (512, 512), (2000, 1000))
DTYPES = ("bfloat16", "float16", "int16", "float64", "uint8", "float32")
NO_SKETCH = {"basis": "gram", "sketch": None, "sketch_size": None, "power_iterations": None}
SKETCHED = {"basis": "sketch", "sketch": "gaussian", "sketch_size": 74, "power_iterations": 2}


def target(method: str, rank: int | None, bits: int | None, **wanted: object) -> dict[str, Any]:
    """What was asked."""
    return {"method": method, "rank": rank, "bits": bits, "bits_right": bits, **wanted}


def factor(length: int, components: int, quantizer: str, chunk_length: int) -> dict[str, Any]:
    """One factor, of a usual table length."""
    coding = "packed" if quantizer in ("uniform", "normal") else "rans"
    return {
        "length": length,
        "components": components,
        "quantizer": quantizer,
        "coding": coding,
        "transform": "identity",
        "grid": [length],
        "chunk_length": chunk_length,
        "table_length": 17 if quantizer == "uniform" else 192,
    }


def document(
    number: int,
    mode: str,
    wanted: dict[str, Any],
    quantizer: str,
    how: dict[str, Any],
    source: dict[str, str],
    predictions: dict[str, float] | None = None,
) -> dict[str, Any]:
    """The metadata of one matrix, its keys in the order in which they are written."""
    rows, columns = SHAPES[number]
    plan = {"target": wanted, "mode": mode, **how, "seed": 0, "exponent": 0}
    if predictions is not None:
        plan["predictions"] = predictions
    factors = {}
    if "factors" in mode:
        factors["left"] = factor(rows, 64, quantizer, 65536)
        factors["right"] = factor(columns, 64, quantizer, 65536)
    if mode != "factors":
        factors["residual"] = factor(rows, columns, quantizer, 2048)
    return {
        "array": {"shape": [rows, columns], "dtype": DTYPES[number]},
        "matrix": {"shape": [rows, columns], "unfold": 1},
        "plan": plan,
        "achieved": {
            # Digits of no meaning, but other ones each time; roots are the same everywhere.
            "relative_frobenius_error": math.sqrt(number + 2) / 128,
            "max_abs_error": math.sqrt(number + 11) / 16,
            "exact": True,
            "source_norm": math.sqrt(1000003 * (number + 1)),
            "passes": 4,
            "bound": None,
        },
        "factors": factors,
        "source": source,
        "tool": "lplr 0.2.0",
    }


def dictionary() -> str:
    """Content of metadata.dict."""
    direct = {**NO_SKETCH, "basis": "none"}
    npy, array = {"format": "npy", "name": "a.npy"}, {"format": "array"}
    hdf5, mtx = {"format": "hdf5", "name": "data.h5"}, {"format": "mtx", "name": "matrix.mtx"}
    size = target("rate-distortion", None, None, size=100000)
    error = target("rate-distortion", None, None, relative_error=0.01)
    largest = target("rate-distortion", None, None, max_abs_error=0.001)
    forecast = {"factors": 0.1234, "factors+residual": 0.05678, "direct": 0.2345}
    everything = {"factors": 3.456, "factors+residual": 2.345, "direct": 1.789, "lossless": 8.123}
    documents = [
        document(0, "direct", target("nq", None, 4), "uniform", direct, array),
        document(1, "factors", target("lplr", 64, 2), "uniform", SKETCHED, mtx),
        document(2, "factors", target("packed", 64, 2), "normal", NO_SKETCH, hdf5),
        document(3, "factors+residual", largest, "deadzone", SKETCHED, array, everything),
        document(4, "direct", error, "trellis", direct, mtx, everything),
        document(5, "factors", size, "trellis", NO_SKETCH, npy, forecast),
    ]
    return "".join(json.dumps(each, separators=(",", ":")) for each in documents)


if __name__ == "__main__":
    sys.stdout.write(dictionary())
