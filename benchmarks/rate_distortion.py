"""Error at a given size: the tool against other ways to store a matrix in few bits.

Usage: python benchmarks/rate_distortion.py [--data FOLDER ...] [--model model.safetensors]
           [--matrices WORD ...] [--peers NAME ...] [--bpc B ...] [--reuse CSV ...] [--no-lplr]

For every matrix, and every size of 0.1 to 8 bits per coordinate (8 times the bytes over n d),
the least relative Frobenius error of each method in at most so many bytes. All bytes that
decoding needs are counted, codebooks and scales too; the tool's are those of the whole file,
while peers without a file format are spared a header. Errors are measured in float64 on what was
decoded. `peers*.py` say which settings of a peer are tried.

A Markdown table for each matrix goes to standard output, the rows to results.csv and a plot of
each matrix beside it. With --reuse, rows of peers are taken from such files where they have them
and all rows of the tool are made anew. The last part lists where a peer has the smaller error.

Needs zfpy, pysz, faiss-cpu and matplotlib. The peers take hours; the tool minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from matrices import SHAPE, TESTDATA, haar, load
from numpy.typing import NDArray
from peers import Cell, Task
from peers_factors import EMBEDDINGS_ONLY, PEERS
from rate_distortion_report import (
    TOOL,
    Results,
    Row,
    losses,
    plot,
    read,
    summary,
    table,
    write,
)

OUT = Path(__file__).with_suffix("")
BPC = [0.1, 0.25, 0.5, 1, 2, 4, 8]
SEED = 0
Make = Callable[[], NDArray[np.float32]]
CLASSES = {"img_": "photograph", "emb": "embeddings", "lowrank": "synthetic"}
TENSORS = {
    "minilm_l2_attn_q": ("weights", "encoder.layer.2.attention.self.query.weight"),
    "minilm_word_embeddings": ("embeddings", "embeddings.word_embeddings.weight"),
}


def synthetic(name: str) -> NDArray[np.float32]:
    """A matrix of known distribution; every name has a seed of its own."""
    rng = np.random.default_rng([SEED, *name.encode()])
    if name == "Gaussian":
        return rng.standard_normal(SHAPE, np.float32)
    if name == "Gaussian + rank 64":
        noise = rng.standard_normal((700, 700))
        signal = haar(rng, 700, 64) @ haar(rng, 700, 64).T
        return (noise / np.linalg.norm(noise) + signal / 8).astype(np.float32)
    index = np.arange(1, min(SHAPE) + 1)
    sigma = {
        "exp(-i/50), 400 values": np.exp(-index[:400] / 50),
        "1/i": 1 / index,
        "rank 40 + 1 % noise": np.ones(40),
    }[name]
    matrix = (haar(rng, SHAPE[0], len(sigma)) * sigma) @ haar(rng, SHAPE[1], len(sigma)).T
    if "noise" in name:
        noise = rng.standard_normal(SHAPE)
        matrix += 0.01 * np.linalg.norm(matrix) * noise / np.linalg.norm(noise)
    return np.asarray(matrix, np.float32)


SYNTHETIC = (
    "exp(-i/50), 400 values",
    "1/i",
    "rank 40 + 1 % noise",
    "Gaussian",
    "Gaussian + rank 64",
)


def tensor(path: Path, name: str) -> NDArray[np.float32]:
    """A float32 tensor of a .safetensors file: the length of a JSON header, it, and the data."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        entry = json.loads(file.read(length))[name]
        if entry["dtype"] != "F32":
            sys.exit(f"{path}: {name} is {entry['dtype']}, not F32")
        start, end = entry["data_offsets"]
        file.seek(8 + length + start)
        return np.frombuffer(file.read(end - start), "<f4").reshape(entry["shape"])


def single(path: Path) -> NDArray[np.float32]:
    return np.asarray(np.load(path), np.float32)


def sources(folders: list[Path], model: Path | None) -> Iterator[tuple[str, str, Make]]:
    """Name, class and a function that gives the entries; of files of one name the first."""
    for name in SYNTHETIC:
        yield name, "synthetic", partial(synthetic, name)
    seen: set[str] = set()
    for folder in folders:
        for path in sorted(folder.glob("*.npy")):
            if path.stem not in seen and load(path) is not None:
                seen.add(path.stem)
                kinds = [kind for start, kind in CLASSES.items() if path.stem.startswith(start)]
                yield path.stem, (kinds or ["weights"])[0], partial(single, path)
    for name, (kind, key) in TENSORS.items() if model else ():
        assert model is not None
        yield name, kind, partial(tensor, model, key)


def tool(task: Task, bpc: float) -> Cell | None:
    """The tool at a size; None if it says that it cannot be that small."""
    import lplrcli

    out = task.scratch / "tool.lplr"
    try:
        lplrcli.compress(task.path, bpc=bpc).save(out)
    except lplrcli.errors.TargetUnreachableError:
        return None
    with lplrcli.open(out) as compressed:
        decoded = np.asarray(compressed, np.float64)
        return Cell(compressed.plan.mode, out.stat().st_size, task.error(decoded))


def measure(
    results: Results, name: str, kind: str, task: Task, options: argparse.Namespace
) -> Iterator[None]:
    """Fill in what is missing for a matrix; a pause after each method."""
    for peer, made in PEERS.items():
        if peer not in options.peers or (peer in EMBEDDINGS_ONLY and kind != "embeddings"):
            continue
        coder = made(task)
        for bpc in options.bpc:
            if (name, bpc, peer) not in results:
                cell = coder.best(int(bpc * task.matrix.size / 8))
                results[name, bpc, peer] = Row.of(name, kind, bpc, peer, cell)
        yield
    for bpc in () if options.no_lplr else options.bpc:
        cell = tool(task, bpc)
        if cell is not None and 8 * cell.size > bpc * task.matrix.size:
            print(f"{name}: {cell.size} bytes are more than {bpc} bpc", file=sys.stderr)
        results[name, bpc, TOOL] = Row.of(name, kind, bpc, TOOL, cell)
    yield


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("--data", type=Path, nargs="+", default=[TESTDATA], metavar="FOLDER",
        help="folders of .npy files [default: testdata]")  # fmt: skip
    add("--model", type=Path, metavar="FILE", help="all-MiniLM-L6-v2 as model.safetensors")
    add("--matrices", nargs="+", metavar="WORD", help="only names that contain one of these")
    add("--peers", nargs="*", choices=PEERS, default=list(PEERS), metavar="NAME",
        help=f"make only rows of these, or of none: {', '.join(PEERS)}")  # fmt: skip
    add("--bpc", type=float, nargs="+", default=BPC, help="bits per coordinate")
    add("--no-lplr", action="store_true", help="leave out the tool itself")
    add("--reuse", type=Path, nargs="+", default=[], metavar="CSV",
        help="take the rows of peers from here; of two for one cell the later")  # fmt: skip
    add("--out", type=Path, default=OUT, metavar="FOLDER", help="where results go")
    return parser.parse_args()


def main() -> None:
    options = parse()
    options.out.mkdir(parents=True, exist_ok=True)
    results: Results = {}
    for reused in options.reuse:
        results.update(read(reused)[1])
    shown = []
    for name, kind, make in sources(options.data, options.model):
        if options.matrices and not any(word in name for word in options.matrices):
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "matrix.npy")
            matrix = make()
            np.save(path, matrix)
            for _ in measure(results, name, kind, Task(path, matrix, Path(folder)), options):
                write(results, options.out / "results.csv", [TOOL, *PEERS])
        shown.append(name)
        print(f"\n### {name}, {matrix.shape[0]}x{matrix.shape[1]}, {kind}\n")
        print(table(results, name, options.bpc, [TOOL, *PEERS]), flush=True)
        plot(results, name, [TOOL, *PEERS], options.out)
    print(f"\n### All, the best of each kind\n\n{summary(results, shown, options.bpc)}")
    print(losses(results, shown, options.bpc))


if __name__ == "__main__":
    main()
