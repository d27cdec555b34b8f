"""Nearest-neighbour classification on sentence embeddings that were compressed.

Usage: python benchmarks/paper/embeddings.py --data FOLDER [--bpc X ...] [--no-engine]

FOLDER holds `emb_wordnet.npy`, embeddings as rows, and `emb_wordnet_labels.npy`, a class for
each. The whole table is compressed and decoded; the first three quarters of the rows then
classify the others: the majority among the three nearest by cosine. Settings are chosen by the
error of the table and not by the accuracy, see methods.py; files of `nq+` are larger than the
size. Needs scikit-learn.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from methods import add_options, best, cells, methods
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsClassifier


def accuracy(rows: NDArray[np.floating], labels: NDArray[np.integer], neighbours: int) -> float:
    """Share of the last quarter of the rows whose class the others tell, in percent."""
    training = len(rows) * 3 // 4
    classifier = KNeighborsClassifier(neighbours, metric="cosine", algorithm="brute")
    classifier.fit(rows[:training], labels[:training])
    return 100 * float(classifier.score(rows[training:], labels[training:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--neighbours", type=int, default=3)
    add_options(parser)
    options = parser.parse_args()

    matrix = np.load(options.data / "emb_wordnet.npy")
    labels = np.load(options.data / "emb_wordnet_labels.npy")
    kept = 8 * matrix.itemsize
    whole = accuracy(matrix, labels, options.neighbours)
    print("| bpc | method | setting | bytes | bpc of the file | error | accuracy, % |")
    print("|--:|---|---|--:|--:|--:|--:|")
    print(f"| {kept} | not compressed | | {matrix.nbytes} | {kept} | 0 | {whole:.2f} |")
    with tempfile.TemporaryDirectory() as folder:
        for bpc in options.bpc:
            for method in methods(options):
                result = best(method, matrix, bpc, Path(folder))
                reached = "–"
                if result is not None:
                    reached = f"{accuracy(result.decoded, labels, options.neighbours):.2f}"
                print(f"| {bpc:g} | {method} | {cells(result)} | {reached} |", flush=True)


if __name__ == "__main__":
    main()
