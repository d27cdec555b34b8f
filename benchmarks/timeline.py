"""Where every tenth of a second of a compression goes, beside two bare products and the file.

Usage: python benchmarks/timeline.py [--shape 20000 4000] [--cold] [--runs 5] [-- OPTIONS]

A process that does what ``lplr compress OPTIONS`` does (``--method lplr -r 64 -b 2`` by default,
which has no power iterations) is sampled from a thread: for every tenth of a second, how busy the
processors were, what came from the disk, and which function of the package most threads were in.
With ``--cold`` the file is first dropped from the page cache: read-ahead shows as reading while
the processors are busy. A table of whole processes follows: medians of interleaved runs beside a
script of the least that has to be done, np.load, A S, QᵀA and the product L R that the error
needs, by bare NumPy.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from measuring import interleaved, lplr_command, make_matrix

INTERVAL = 0.1
SAMPLES = 10
LIMIT = 1.6
DEFAULT = ["--method", "lplr", "-r", "64", "-b", "2"]

FLOOR_SCRIPT = """\
import sys
import numpy as np
a = np.load(sys.argv[1])
s = np.random.default_rng(0).standard_normal((a.shape[1], 64), dtype=np.float32)
q = np.linalg.qr(a @ s)[0]
r = q.T @ a
print(np.linalg.norm(a - q @ r) / np.linalg.norm(a))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--shape", type=int, nargs=2, default=(20000, 4000))
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--scratch", type=Path, help="where the temporary folder is made")
    parser.add_argument("--sampled", help=argparse.SUPPRESS)
    parser.add_argument("options", nargs="*", default=DEFAULT)
    options = parser.parse_args()
    if options.sampled:
        return sampled(options.sampled, options.options)
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        matrix = Path(folder) / "a.npy"
        make_matrix(matrix, tuple(options.shape))
        if options.cold:
            drop_from_cache(matrix)
        command = [sys.executable, __file__, "--sampled", str(matrix), "--", *options.options]
        subprocess.run(command, check=True)
        return compare(Path(folder), matrix, options.options, options.runs)


def drop_from_cache(path: Path) -> None:
    """Have the pages of a file read from the disk again."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def sampled(matrix: str, options: list[str]) -> int:
    """Compress in this process, a thread watching."""
    done = threading.Event()
    watcher = threading.Thread(target=watch, args=(done, threading.get_ident()))
    watcher.start()
    try:
        from lplrcli.cli.main import main as lplr

        sys.argv = ["lplr", "compress", matrix, *options, "-q", "-f", "-o", f"{matrix}.lplr"]
        lplr()
    finally:
        done.set()
        watcher.join()
    return 0


def watch(done: threading.Event, main_thread: int) -> None:
    """Print a line for every interval."""
    print("| seconds | processors busy | MB from disk | most threads in |\n|--:|--:|--:|---|")
    started, me = time.perf_counter(), threading.get_ident()
    before = started, time.process_time(), bytes_read()
    while not done.is_set():
        seen: Counter[str] = Counter()
        for _ in range(SAMPLES):
            done.wait(INTERVAL / SAMPLES)
            frames = sys._current_frames()
            workers = [
                thread
                for thread, frame in frames.items()
                if thread not in (me, main_thread) and not is_waiting(frame)
            ]
            for thread in workers or [main_thread]:
                if thread in frames:
                    seen[function_of(frames[thread])] += 1
        now = time.perf_counter(), time.process_time(), bytes_read()
        seconds, busy, read = (late - early for late, early in zip(now, before, strict=True))
        at = seen.most_common(1)[0][0] if seen else ""
        row = f"| {before[0] - started:.1f} | {busy / seconds:.2f} | {read / 1e6:.1f} | {at} |"
        print(row, flush=True)
        before = now


def function_of(frame: object) -> str:
    """Innermost function of the package on a stack, or the outermost module being imported."""
    importing = ""
    while frame is not None:
        path, name = frame.f_code.co_filename, frame.f_code.co_name  # type: ignore[attr-defined]
        if "importlib" in path:
            importing = "loading modules"
        elif "lplrcli" in path:
            return importing or f"{path.rpartition('lplrcli/')[2]}: {name}"
        frame = frame.f_back  # type: ignore[attr-defined]
    return importing or "waiting"


def is_waiting(frame: object) -> bool:
    """Whether a thread is in a lock or a queue."""
    return frame.f_code.co_filename.endswith(("threading.py", "concurrent/futures/thread.py"))  # type: ignore[attr-defined]


def bytes_read() -> int:
    """Bytes that the disk has delivered to this process."""
    try:
        lines = Path("/proc/self/io").read_text().splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) for line in lines if line.startswith("read_bytes"))


def compare(folder: Path, matrix: Path, options: list[str], runs: int) -> int:
    """Whole processes side by side, less the start of an interpreter."""
    script = folder / "floor.py"
    script.write_text(FLOOR_SCRIPT)
    ours = [*lplr_command(), "compress", str(matrix), *options, "-f", "-o", f"{matrix}.lplr"]
    empty, first, second = interleaved(
        [[sys.executable, "-c", "pass"], ours, [sys.executable, str(script), str(matrix)]], runs
    )
    print("\n| less the start of an interpreter | seconds | processor seconds |\n|---|--:|--:|")
    rows = {f"lplr compress {' '.join(options)}": first, "np.load, three bare products": second}
    for name, usage in rows.items():
        processor = usage.processor - empty.processor
        print(f"| {name} | {usage.seconds - empty.seconds:.2f} | {processor:.2f} |")
    ratio = (first.seconds - empty.seconds) / (second.seconds - empty.seconds)
    print(f"\nRatio {ratio:.2f}, limit {LIMIT}: {'MISSED' if ratio > LIMIT else 'ok'}")
    return int(ratio > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
