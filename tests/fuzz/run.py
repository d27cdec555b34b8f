"""Run one harness under Atheris: ``python tests/fuzz/run.py container -runs=100000 -seed=1``.

What follows the name goes to libFuzzer. The corpus is made from the harness's own seeds in a
temporary folder. A harness is a module beside this one with

- ``seeds()``: small inputs to begin with;
- ``one_input(data)``: use the product on it; whatever comes out of that but the product's own
  refusal is a crash;
- optionally ``mutated(data, most, rng, mutate)``: another input of at most so many bytes.

More processor time than `MOST_SECONDS` for one input is a crash, and so are a warning, and more
resident memory than `MOST_MEGABYTES`.
"""

from __future__ import annotations

import importlib
import os
import random
import sys
import tempfile
import time
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
HARNESSES = ("container", "metadata", "rans_tables", "packed_codes", "headers", "foreign_files")
MOST_SECONDS = 1.0
MOST_MEGABYTES = 512
HANGING = 60  # seconds of wall-clock time, in which other work may have the processor


def main() -> None:
    name, *options = sys.argv[1:]
    if name not in HARNESSES:
        sys.exit(f"usage: run.py {{{','.join(HARNESSES)}}} [option of libFuzzer ...]")
    # One thread: libFuzzer forks no more than it must, and the cases are tiny.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(HERE)]
    warnings.simplefilter("error")
    import atheris

    # Numba compiles the kernels from bytecode that must be as it was.
    kernels = [f"lplrcli.kernels.{path.stem}" for path in (ROOT / "lplrcli/kernels").glob("*.py")]
    with atheris.instrument_imports(include=["lplrcli"], exclude=kernels):
        harness = importlib.import_module(name)
        seeds = list(harness.seeds())
        for data in seeds:
            harness.one_input(data)  # what is imported or compiled late, is before the clock runs

    def one_input(data: bytes) -> None:
        began = time.process_time()
        harness.one_input(data)
        spent = time.process_time() - began
        if spent > MOST_SECONDS:
            raise TimeoutError(f"{spent:.2f} s of processor time")

    def mutated(data: bytes, most: int, seed: int) -> bytes:
        changed: bytes = harness.mutated(data, most, random.Random(seed), atheris.Mutate)
        return changed[:most]

    with tempfile.TemporaryDirectory(prefix="lplr-fuzz-") as corpus:
        for number, data in enumerate(seeds):
            (Path(corpus) / f"{number:04}").write_bytes(data)
        arguments = [
            sys.argv[0],
            f"-dict={HERE / 'lplr.dict'}",
            f"-rss_limit_mb={MOST_MEGABYTES}",
            f"-timeout={HANGING}",
            f"-max_len={max(4096, *map(len, seeds))}",
            "-print_final_stats=1",
            *options,
            corpus,
        ]
        custom = {"custom_mutator": mutated} if hasattr(harness, "mutated") else {}
        atheris.Setup(arguments, one_input, **custom)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
