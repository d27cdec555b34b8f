"""Whole-process times of the commands against the plainest scripts that do the same.

Usage: python benchmarks/speed.py [--runs 5] [--shape 20000 4000] [--scratch FOLDER]

Comparisons, each the median of interleaved runs after one warm-up run of both (which fills
Numba's and the disk's caches):

    size         ``lplr compress a.npy --bpc 0.25`` against the same script as for compress
    direct       ``lplr compress a.npy --bpc 2 --mode direct`` against SZ3 at equal error
    compress     ``lplr compress a.npy -r 64 -b 2`` against np.load, scikit-learn's
                 randomized_svd(A, 64) with its defaults, and the factors saved as float16
    decompress   ``lplr decompress`` against np.save(out, L @ R) from stored float32 factors
    version      ``lplr --version`` against ``python -c "import click"``
    inspect      ``lplr inspect``, in seconds

The exit status is 1 if a limit is missed. Needs scikit-learn, pysz and a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring import interleaved, lplr_command, make_matrix, warm_up

SVD_SCRIPT = """\
import sys
import numpy as np
from sklearn.utils.extmath import randomized_svd
a = np.load(sys.argv[1])
u, s, vt = randomized_svd(a, 64)
np.savez(sys.argv[2], left=(u * s).astype(np.float16), right=vt.astype(np.float16))
"""

FACTORS_SCRIPT = """\
import sys
import lplrcli
import numpy as np
with lplrcli.open(sys.argv[1]) as compressed:
    np.save(sys.argv[2], compressed.left.astype(np.float32))
    np.save(sys.argv[3], compressed.right.astype(np.float32))
"""

PRODUCT_SCRIPT = """\
import sys
import numpy as np
np.save(sys.argv[3], np.load(sys.argv[1]) @ np.load(sys.argv[2]))
"""

SZ3_SCRIPT = """\
import sys
import numpy as np
from pysz import sz, szConfig, szErrorBoundMode
a = np.load(sys.argv[1])
config = szConfig(a.shape)
config.errorBoundMode = szErrorBoundMode.ABS
config.absErrorBound = float(sys.argv[3])
sz.compress(a, config)[0].tofile(sys.argv[2])
"""

BOUND_SCRIPT = """\
import sys
import numpy as np
from pysz import sz, szConfig, szErrorBoundMode
a = np.load(sys.argv[1], mmap_mode="r")[:1000].copy()
norm, goal = np.linalg.norm(a), float(sys.argv[2])
low, high = 1e-6 * norm / a.size**0.5, 10 * norm / a.size**0.5
for _ in range(20):
    bound = (low * high) ** 0.5
    config = szConfig(a.shape)
    config.errorBoundMode = szErrorBoundMode.ABS
    config.absErrorBound = bound
    decoded = sz.decompress(sz.compress(a, config)[0], a.dtype, a.shape)[0]
    if np.linalg.norm(a - decoded) > goal * norm:
        high = bound
    else:
        low = bound
print(low)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--shape", type=int, nargs=2, default=(20000, 4000))
    parser.add_argument("--scratch", type=Path, help="where the temporary folder is made")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        return compare(Path(folder), options.runs, tuple(options.shape))


def compare(folder: Path, runs: int, shape: tuple[int, int]) -> int:
    """Run the comparisons and print a table."""
    lplr, python = lplr_command(), sys.executable
    matrix, packed, decoded = folder / "a.npy", folder / "a.lplr", folder / "b.npy"
    left, right = folder / "left.npy", folder / "right.npy"

    def script(name: str, text: str, *arguments: Path) -> list[str]:
        path = folder / f"{name}.py"
        path.write_text(text)
        return [python, str(path), *map(str, arguments)]

    make_matrix(matrix, shape)
    compress = [*lplr, "compress", str(matrix), "-r", "64", "-b", "2", "-f", "-o", str(packed)]
    warm_up([compress, script("factors", FACTORS_SCRIPT, packed, left, right)])

    decompress = [*lplr, "decompress", str(packed), "-f", "-o", str(decoded)]
    sized, direct = [
        [*lplr, "compress", str(matrix), *options, "-f", "-q", "-o", str(folder / "sized.lplr")]
        for options in (["--bpc", "0.25"], ["--bpc", "2", "--mode", "direct"])
    ]
    told = subprocess.run([*direct, "--json"], check=True, capture_output=True, text=True)
    error = json.loads(told.stdout)["relative_frobenius_error"]
    finder = script("bound", BOUND_SCRIPT, matrix)
    bound = subprocess.run([*finder, str(error)], check=True, capture_output=True, text=True)
    peer = [*script("sz3", SZ3_SCRIPT, matrix, folder / "a.sz3"), bound.stdout.strip()]
    rows = {
        "compress --bpc 0.25": (1.0, sized, script("svd", SVD_SCRIPT, matrix, folder / "svd.npz")),
        "compress --bpc 2 --mode direct": (3.0, direct, peer),
        "compress": (0.4, compress, script("svd", SVD_SCRIPT, matrix, folder / "svd.npz")),
        "decompress": (1.5, decompress, script("product", PRODUCT_SCRIPT, left, right, decoded)),
        "version": (1.5, [*lplr, "--version"], [python, "-c", "import click"]),
    }
    print(f"{shape[0]} x {shape[1]} float32, medians of {runs} runs, seconds (processor seconds)\n")
    print("| | lplr | script | ratio | limit | |\n|---|--:|--:|--:|--:|---|")
    missed = False
    for name, (limit, ours, theirs) in rows.items():
        first, second = interleaved([ours, theirs], runs)
        ratio = first.seconds / second.seconds
        missed |= ratio > limit
        print(
            f"| {name} | {first.seconds:.3f} ({first.processor:.3f}) "
            f"| {second.seconds:.3f} ({second.processor:.3f}) | {ratio:.2f} | {limit} "
            f"| {'MISSED' if ratio > limit else 'ok'} |",
            flush=True,
        )
    (inspect,) = interleaved([[*lplr, "inspect", str(packed)]], runs)
    missed |= inspect.seconds > 0.3
    print(
        f"| inspect | {inspect.seconds:.3f} ({inspect.processor:.3f}) | | | 0.3 s "
        f"| {'MISSED' if inspect.seconds > 0.3 else 'ok'} |"
    )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
