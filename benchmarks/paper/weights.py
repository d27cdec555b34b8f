"""The weight matrices of a transformer by the paper's methods and by the engine.

Usage: python benchmarks/paper/weights.py --model model.safetensors [--bpc X ...] [--no-engine]

Reads the two-dimensional weights of a BERT-like model, such as all-MiniLM-L6-v2, and prints one
row for each kind of weight and size: the mean over the weights of that kind of the relative
error, and the least and largest of them. A dash means that for at least one of these weights no
file of the method is small enough; see methods.py on how settings are chosen, and on `nq+`,
whose files are larger than the size.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
from methods import add_options, best, methods
from numpy.typing import NDArray

KINDS = {
    "attention.self.query": "query",
    "attention.self.key": "key",
    "attention.self.value": "value",
    "attention.output.dense": "attention output",
    "intermediate.dense": "feed-forward in",
    "output.dense": "feed-forward out",
    "pooler.dense": "pooler",
    "embeddings.position_embeddings": "position embeddings",
    "embeddings.word_embeddings": "word embeddings",
}
"""Kind of a weight by the end of its name; the first that fits counts. Token types, two rows,
are left out: they are smaller than the headers of a file."""

TYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}


def read_weights(path: Path) -> dict[str, dict[str, NDArray[np.floating]]]:
    """Map the weights of a safetensors file, by kind and name.

    The file is the length of a header in 8 bytes, the header in JSON, and the tensors, at the
    offsets from the end of the header that it gives.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    found: dict[str, dict[str, NDArray[np.floating]]] = defaultdict(dict)
    for name, tensor in sorted(header.items()):
        ending = next((end for end in KINDS if name.endswith(f"{end}.weight")), None)
        if ending is not None and len(tensor["shape"]) == 2:
            offset = 8 + length + tensor["data_offsets"][0]
            found[KINDS[ending]][name] = np.memmap(
                path, TYPES[tensor["dtype"]], "r", offset, tuple(tensor["shape"])
            )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", type=Path, required=True, help="a safetensors file")
    parser.add_argument(
        "--kinds", nargs="+", default=[*KINDS.values()], choices=[*KINDS.values()],
        metavar="KIND", help="some of: " + ", ".join(KINDS.values()) + " [default: all]",
    )  # fmt: skip
    add_options(parser)
    options = parser.parse_args()

    chosen = methods(options)
    weights = read_weights(options.model)
    print(f"| weights | shape | number | bpc | {' | '.join(chosen)} |")
    print("|---|---|--:|--:|" + "--:|" * len(chosen))
    with tempfile.TemporaryDirectory() as folder:
        for kind in options.kinds:
            matrices = [np.asarray(matrix) for matrix in weights[kind].values()]
            if not matrices:
                continue
            shape = "x".join(map(str, matrices[0].shape))
            for bpc in options.bpc:
                columns = [summary(method, matrices, bpc, Path(folder)) for method in chosen]
                print(
                    f"| {kind} | {shape} | {len(matrices)} | {bpc:g} | {' | '.join(columns)} |",
                    flush=True,
                )


def summary(method: str, matrices: list[NDArray[np.floating]], bpc: float, folder: Path) -> str:
    """Mean error of a method over some weights, and the range if there are several."""
    errors = []
    for matrix in matrices:
        result = best(method, matrix, bpc, folder)
        if result is None:
            return "–"
        errors.append(result.error)
    mean = f"{np.mean(errors):.3f}"
    return mean if len(errors) == 1 else f"{mean} ({min(errors):.3f}–{max(errors):.3f})"


if __name__ == "__main__":
    main()
