"""Are errors asked for kept, and errors stated true? Thousands of random matrices and targets.

Usage: python benchmarks/error_targets.py [--cases 20000] [--seed 0] [--jobs 2] [--out FILE]
       python benchmarks/error_targets.py --case N [--seed 0]

Every case of `error_cases.py` is compressed, saved, opened and decoded, and the error of what was
decoded computed here, from the decoded array in its own type, in NumPy's long double (64 bits of
mantissa and exponents that no square leaves): nothing of the tool takes part. It is

    kept      no error is above the one asked for, by more than 1e-12 of it, which is room for
              rounding in this script; for a size, the file is no larger
    refused   the tool said that the target cannot be met, or that the options or the matrix do
              not go together, with an error of its own
    failed    anything else: a target missed, a file too large, an error stated that differs from
              the true one by more than 1e-6 of it (or 1e-15 of the matrix), decoded entries that
              are not finite, any warning, another exception, two minutes of the processor

Refusals of a relative error are looked at again: `reachable` are those that rounding all entries to
multiples of 2**-27 of the largest one would have met, without a mode or rank in its way.
Results go to benchmarks/trust/error_targets.json; the exit status is 1 if a case failed.
"""

from __future__ import annotations

import argparse
import collections
import itertools
import json
import math
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from error_cases import Case, drawn
from numpy.typing import NDArray

OUT = Path(__file__).with_name("trust") / "error_targets.json"
ROUNDING = 1e-12
STATED, STATED_LEAST = 1e-6, 1e-15
SECONDS = 120

FAILURES = ("missed", "size", "stated", "not finite", "type", "warning", "exception", "hang")


@dataclass(frozen=True)
class Outcome:
    """What became of a case: `kept`, `refused: ...`, or one of `FAILURES`."""

    number: int
    kind: str
    dtype: str
    goal: str
    text: str
    seconds: float
    reachable: bool = False


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=20000)
    parser.add_argument("--start", type=int, default=0, help="number of the first case")
    parser.add_argument("--case", type=int, help="only this one, in full")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("-v", "--verbose", action="store_true", help="a line for every case")
    options = parser.parse_args()
    if options.case is not None:
        print(drawn(options.seed, options.case))
        outcome = tried(options.seed, options.case)
        print(outcome.kind, f"{outcome.seconds:.2f} s", outcome.text, sep="\n")
        return int(outcome.kind in FAILURES)
    began = time.perf_counter()
    outcomes: list[Outcome] = []
    told: dict[str, Any] = {"failures": 0}
    numbers = range(options.start, options.start + options.cases)
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        for outcome in pool.imap_unordered(partial(tried, options.seed), numbers, chunksize=4):
            outcomes.append(outcome)
            if outcome.kind in FAILURES or options.verbose:
                reachable = ", reachable" if outcome.reachable else ""
                print(f"{outcome.kind}{reachable}: {outcome.text}", flush=True)
            if len(outcomes) % 500 == 0 or len(outcomes) == len(numbers):
                # What was done so far is not lost if the rest is not waited for.
                told = summary(outcomes, options.seed, time.perf_counter() - began)
                options.out.parent.mkdir(exist_ok=True)
                options.out.write_text(json.dumps(told, indent=2) + "\n")
                print(f"{len(outcomes)} cases, {told['failures']} failed", flush=True)
    print(json.dumps(told, indent=2))
    return int(told["failures"] > 0)


def tried(seed: int, number: int) -> Outcome:
    """Compress one case and judge the result."""
    case = drawn(seed, number)
    began = time.perf_counter()
    signal.signal(signal.SIGPROF, _too_long)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    reachable = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            kind, text = judged(case)
            if kind == "refused: target":
                reachable = reached_by_rounding(case)
    except TimeoutError:
        kind, text = "hang", f"more than {SECONDS} processor seconds"
    except Warning as found:
        kind, text = "warning", f"{found!r}\n{traceback.format_exc()}"
    except Exception as found:  # whatever it is, it is what is looked for here
        kind, text = "exception", f"{found!r}\n{traceback.format_exc()}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    seconds = time.perf_counter() - began
    dtype = case.array.dtype.name
    return Outcome(number, kind, dtype, goal_of(case), f"{case}: {text}", seconds, reachable)


def _too_long(*_: Any) -> None:
    raise TimeoutError


def goal_of(case: Case) -> str:
    """What was asked for, in a word."""
    for name in ("rel_error", "max_abs_error", "size"):
        if name in case.options:
            return "lossless" if case.options[name] == 0 else name
    return "rank"


def judged(case: Case) -> tuple[str, str]:
    """Kind of outcome, and what there is to say of it."""
    import lplrcli
    from lplrcli.errors import InputError, PlanError, TargetUnreachableError

    before = case.array.tobytes()
    try:
        found = lplrcli.compress(case.array, threads=1, **case.options)
    except TargetUnreachableError as refusal:
        return "refused: target", str(refusal)
    except PlanError as refusal:
        return "refused: options", str(refusal)
    except InputError as refusal:
        return "refused: matrix", str(refusal)
    if case.array.tobytes() != before:
        return "exception", "the array given was changed"
    with tempfile.TemporaryDirectory(dir=_folder()) as folder:
        path = Path(folder) / "a.lplr"
        found.save(path)
        size = path.stat().st_size
        with lplrcli.open(path) as again:
            decoded = np.asarray(again)
            report = again.report
    return verdict(case, decoded, report, size)


def verdict(case: Case, decoded: NDArray[Any], report: Any, size: int) -> tuple[str, str]:
    """Judge what was decoded by what was asked for, and what is stated by what is true."""
    if decoded.dtype != case.array.dtype or decoded.shape != case.array.shape:
        return "type", f"{decoded.dtype} {decoded.shape}"
    if not np.isfinite(decoded.astype(np.longdouble)).all():
        return "not finite", ""
    relative, largest = errors(case.array, decoded)
    stated = report.relative_frobenius_error
    text = f"relative {relative:.17g}, largest {largest:.17g}, {size} bytes, stated {stated:.17g}"
    for name, value in (("rel_error", relative), ("max_abs_error", largest)):
        asked = case.options.get(name)
        if asked is not None and value > np.longdouble(asked) * (1 + ROUNDING):
            return "missed", text
    if size > case.options.get("size", math.inf):
        return "size", text
    if report.exact:
        most = max(STATED * relative, STATED_LEAST)
        if not (relative == stated or abs(relative - stated) <= most):
            return "stated", text
        worst = report.max_abs_error
        scale = float(np.abs(case.array.astype(np.longdouble)).max())
        most = max(STATED * largest, STATED_LEAST * scale)
        if worst is not None and abs(worst - largest) > most:
            return "stated", f"{text}, largest stated {worst:.17g}"
        asked = case.options.get("rel_error")
        if asked is not None and stated > asked:
            return "stated", text
    return "kept", text


def errors(array: NDArray[Any], decoded: NDArray[Any]) -> tuple[float, float]:
    """Relative Frobenius error, and the largest absolute one."""
    wide, found = array.astype(np.longdouble), decoded.astype(np.longdouble)
    off = np.abs(wide - found)
    squares, norm = np.sum(off * off), np.sum(wide * wide)
    if squares == 0:
        return 0.0, 0.0
    return float(np.sqrt(squares / norm)) if norm else math.inf, float(off.max())


def reached_by_rounding(case: Case) -> bool:
    """Whether plain codes of 28 bits, cast to the type, would have met a relative error."""
    asked = case.options.get("rel_error", 0.0)
    if asked == 0 or case.options.get("mode") == "factors" or "passes" in case.options:
        return False
    wide = case.array.astype(np.longdouble)
    step = np.abs(wide).max() * np.longdouble(2.0) ** -27
    rounded = np.rint(wide / step) * step
    if case.array.dtype.kind in "iu":
        limits = np.iinfo(case.array.dtype)
        rounded = np.clip(np.rint(rounded), limits.min, limits.max)
    with np.errstate(all="ignore"):
        decoded = rounded.astype(case.array.dtype)
    return bool(errors(case.array, decoded)[0] <= asked)


def summary(outcomes: list[Outcome], seed: int, seconds: float) -> dict[str, Any]:
    """What benchmarks/trust/error_targets.json holds."""
    from lplrcli import __version__

    def counted(some: Any) -> dict[str, int]:
        return dict(sorted(collections.Counter(some).items()))

    def tables(name: str) -> dict[str, dict[str, int]]:
        values = sorted({getattr(outcome, name) for outcome in outcomes})
        return {
            value: counted(one.kind for one in outcomes if getattr(one, name) == value)
            for value in values
        }

    failed = sorted(one.number for one in outcomes if one.kind in FAILURES)
    times = np.array([one.seconds for one in outcomes])
    return {
        "name": "error_targets",
        "what": "random matrices and error or size targets; errors recomputed from what decodes",
        "cases": len(outcomes),
        "failures": len(failed),
        "unit": "targets",
        "details": {
            "kept": sum(one.kind == "kept" for one in outcomes),
            "refused": sum(one.kind.startswith("refused") for one in outcomes),
            "missed": sum(one.kind == "missed" for one in outcomes),
            "outcomes": counted(one.kind for one in outcomes),
            "failed_cases": failed[:100],
            "reachable_refusals": sum(one.reachable for one in outcomes),
            "reachable_cases": sorted(
                itertools.islice((one.number for one in outcomes if one.reachable), 100)
            ),
            "by_goal": tables("goal"),
            "by_dtype": tables("dtype"),
            "seconds_a_case": {
                "median": round(float(np.median(times)), 3),
                "99 %": round(float(np.quantile(times, 0.99)), 3),
                "most": round(float(times.max()), 3),
            },
        },
        "seed": seed,
        "version": __version__,
        "commit": subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
        ).stdout.strip(),
        "seconds": round(seconds, 1),
    }


def _folder() -> str | None:
    """Memory, where there is a folder of it: thousands of files are written."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


if __name__ == "__main__":
    sys.exit(main())
