"""A large sparse matrix: compressing it against computing its leading singular vectors.

Usage: python benchmarks/sparse.py [--runs 3] [--shape 1000000 200000] [--nonzeros 10000000]
                                   [--threads T] [--scratch FOLDER] [--without svds ...]

Whole processes that read the matrix of `sparse_matrix.py` from a file of scipy.sparse and

    packed, 2 bits    ``lplrcli.compress(matrix, 64, 2)``, written to a file
    packed, 4 bits    the default for a rank alone
    size              ``lplrcli.compress(matrix, 64, size=...)``, the size that 2 bits took
    svds              scipy.sparse.linalg.svds(A, k=64), vectors saved as float16
    randomized_svd    scikit-learn's randomized_svd(A, 64) with its defaults, likewise

in turn, with the same number of threads; medians after one run of each unmeasured. Errors are
relative Frobenius errors, those of the files from all nonzeros and from Gram matrices of the
factors, computed here with NumPy; those of the singular vectors before they are rounded. The
exit status is 1 if 2 bits take more than half of scikit-learn's time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring import interleaved, run

LIMIT = 0.5

COMPRESS_SCRIPT = """\
import sys
import lplrcli
import scipy.sparse as sp
_, matrix, out, threads, options = sys.argv
options = dict(pair.split("=") for pair in options.split(","))
options = {key: int(value) for key, value in options.items()}
lplrcli.compress(sp.load_npz(matrix), threads=int(threads), **options).save(out)
"""

SVD_SCRIPT = """\
import sys
import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import svds
_, matrix, out, name = sys.argv
a = sp.load_npz(matrix)
if name == "svds":
    u, s, vt = svds(a, k=64)
else:
    from sklearn.utils.extmath import randomized_svd
    u, s, vt = randomized_svd(a, 64)
np.savez(out, left=(u * s).astype(np.float16), right=vt.astype(np.float16), values=s)
"""

ERROR_SCRIPT = """\
import sys
import numpy as np
import scipy.sparse as sp
a, path = sp.load_npz(sys.argv[1]).tocoo(), sys.argv[2]
total = np.square(a.data, dtype=np.float64).sum()
if path.endswith(".npz"):
    # Of a projection of A: its energy is that of the singular values.
    squared = total - np.square(np.load(path)["values"], dtype=np.float64).sum()
else:
    import lplrcli
    with lplrcli.open(path) as compressed:
        left, right = compressed.left.astype("f8"), compressed.right.astype("f8").T.copy()
    inner = sum(
        float(np.einsum("pk,pk,p->", left[a.row[p:p + 100000]], right[a.col[p:p + 100000]],
                        a.data[p:p + 100000].astype("f8")))
        for p in range(0, a.nnz, 100000)
    )
    squared = total - 2 * inner + np.sum((left.T @ left) * (right.T @ right))
print(np.sqrt(squared / total))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--shape", type=int, nargs=2, default=(1_000_000, 200_000))
    parser.add_argument("--nonzeros", type=int, default=10_000_000)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--scratch", type=Path, help="where the temporary folder is made")
    parser.add_argument("--without", nargs="*", default=[], help="rows to leave out")
    options = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(options.threads)
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        return compare(Path(folder), options)


def compare(folder: Path, options: argparse.Namespace) -> int:
    """Run all rows in turn and print a table."""
    python, matrix = sys.executable, folder / "a.npz"
    maker = Path(__file__).with_name("sparse_matrix.py")
    run([python, str(maker), str(matrix), *map(str, options.shape), str(options.nonzeros)])

    def script(name: str, text: str, *arguments: object) -> list[str]:
        path = folder / f"{name}.py"
        path.write_text(text)
        return [python, str(path), *map(str, arguments)]

    def compress(out: Path, asked: str) -> list[str]:
        return script("compress", COMPRESS_SCRIPT, matrix, out, options.threads, asked)

    packed = folder / "packed.lplr"
    run(compress(packed, "rank=64,bits=2"))
    size = packed.stat().st_size
    files = {
        "packed, 2 bits": (packed, compress(packed, "rank=64,bits=2")),
        "packed, 4 bits": (folder / "four.lplr", compress(folder / "four.lplr", "rank=64")),
        "size": (
            folder / "size.lplr", compress(folder / "size.lplr", f"rank=64,size={size}")
        ),
        "svds": (
            folder / "svds.npz", script("svd", SVD_SCRIPT, matrix, folder / "svds.npz", "svds")
        ),
        "randomized_svd": (
            folder / "randomized.npz",
            script("svd", SVD_SCRIPT, matrix, folder / "randomized.npz", "randomized_svd"),
        ),
    }  # fmt: skip
    files = {name: row for name, row in files.items() if name not in options.without}
    found = dict(
        zip(files, interleaved([row[1] for row in files.values()], options.runs), strict=True)
    )
    reference = found["randomized_svd"].seconds
    rows, columns = options.shape
    print(
        f"{rows} x {columns}, {options.nonzeros} nonzeros, {options.threads} threads, "
        f"medians of {options.runs} runs, seconds (processor seconds)\n"
    )
    print("| | time | of randomized_svd | peak, MiB | error | bytes |\n|---|--:|--:|--:|--:|--:|")
    for name, usage in found.items():
        path = files[name][0]
        told = subprocess.run(
            script("error", ERROR_SCRIPT, matrix, path), check=True, capture_output=True, text=True
        )
        print(
            f"| {name} | {usage.seconds:.1f} ({usage.processor:.1f}) "
            f"| {usage.seconds / reference:.2f} | {usage.peak / 2**20:.0f} "
            f"| {float(told.stdout):.4f} | {path.stat().st_size} |",
            flush=True,
        )
    return int(found["packed, 2 bits"].seconds > LIMIT * reference)


if __name__ == "__main__":
    sys.exit(main())
