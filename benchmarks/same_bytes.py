"""Show that two versions write the same bytes, and that the second reads no more than the first.

Usage: python benchmarks/same_bytes.py BEFORE AFTER [-o RECORD.json] [--words] [--group NAME ...]

BEFORE and AFTER are checkouts, each with its own environment in ``.venv`` (or ``--python``, with
the packages of ``pip install -e '.[test]'``). The commands of ``same_bytes.txt``, explained in
``same_bytes_corpus.py``, run in both, on one thread, over the files of ``same_bytes_inputs.py``,
which are made once. A command is

    equal      it has the same exit status, leaves the same files, byte for byte, and prints the
               same binary output or JSON, but for the keys of time and of reading
    fewer passes told
               the files differ only because an .lplr file tells in META that its source was read
               less often than before: by the reference decoder its sections, its metadata but for
               this number, and all other payloads are equal. Of such a file `inspect --json` may
               differ in the bytes of META and of the padding behind it, which it counts to COMP,
               and, if the size of the file differs, in what tells of that size
    different  anything else
    more read  a count of passes or bytes in its JSON, or the bytes that a counting input saw
               it read, is larger than before

Messages, help and tables are words, which may change: those that did are counted apart, once times
are taken out, and are no failure; ``--words`` shows them. The exit status is 1 if a command is
different or reads more, or ends otherwise before than the corpus says that it has to.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from same_bytes_compare import Comparison, compared

HERE = Path(__file__).parent


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--python", type=Path, help="for both, instead of their own .venv")
    parser.add_argument(
        "--group", nargs="+", default=[], help="only these; many use files of `formats`"
    )
    parser.add_argument("--scratch", type=Path, help="folder for the files; a temporary one")
    parser.add_argument("--words", action="store_true", help="show messages that changed")
    parser.add_argument("-o", "--out", type=Path, help="write a record as JSON")
    options = parser.parse_args()
    checkouts = (options.before.resolve(), options.after.resolve())
    pythons = [options.python or checkout / ".venv/bin/python" for checkout in checkouts]
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        scratch = Path(folder)
        _run(pythons[0], "same_bytes_inputs.py", str(scratch / "inputs"))
        sides = [scratch / "before", scratch / "after"]
        for side in sides:
            subprocess.run(["cp", "-a", str(scratch / "inputs"), str(side)], check=True)
        with ThreadPoolExecutor() as pool:
            found = list(
                pool.map(
                    lambda side: _results(*side, options.group),
                    zip(pythons, checkouts, sides, strict=True),
                )
            )
    seconds = time.perf_counter() - started
    comparisons = compared(found[0]["results"], found[1]["results"])
    _show(comparisons, options.words)
    if found[0]["versions"] != found[1]["versions"]:
        print("\nThe environments differ, which may change bytes:", _versions_that_differ(found))
    failures = sum(one.failed for one in comparisons)
    print(f"\n{len(comparisons)} commands, {failures} failures, {seconds:.0f} s")
    if options.out is not None:
        record = {
            "commands": len(comparisons),
            "failures": failures,
            "commits": dict(zip(("before", "after"), map(_commit, checkouts), strict=True)),
            "versions": found[0]["versions"],
            "seconds": round(seconds, 1),
            "groups": _groups(comparisons),
            "results": [one.record() for one in comparisons],
        }
        options.out.write_text(json.dumps(record, indent=1) + "\n")
    return int(failures > 0)


def _run(python: Path, script: str, *arguments: str, **environment: str) -> None:
    """Run a script of this folder; what goes wrong ends this process too."""
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), "2")
    # The width of help and messages.
    environment = {**os.environ, **threads, "COLUMNS": "100", "LC_ALL": "C.UTF-8", **environment}
    done = subprocess.run([str(python), str(HERE / script), *arguments], env=environment)
    if done.returncode:
        sys.exit(f"{script} failed ({done.returncode})")


def _results(python: Path, checkout: Path, side: Path, groups: list[str]) -> dict[str, Any]:
    told = side.with_suffix(".json")
    scratch = side.with_suffix(".tmp")
    scratch.mkdir()
    arguments = (str(checkout), str(side), str(told), *groups)
    _run(python, "same_bytes_worker.py", *arguments, PYTHONPATH=str(checkout), TMPDIR=str(scratch))
    results: dict[str, Any] = json.loads(told.read_text())
    return results


def _groups(comparisons: Sequence[Comparison]) -> list[dict[str, Any]]:
    """Sums of every group, in the order of the corpus, and those of all."""
    names = [*dict.fromkeys(one.group for one in comparisons), "all"]
    return [
        {
            "group": name,
            "commands": len(chosen),
            "files": sum(one.files for one in chosen),
            "equal": sum(not one.differences and not one.fewer for one in chosen),
            "fewer passes told": sum(bool(one.fewer) for one in chosen),
            "different": sum(bool(one.differences) for one in chosen),
            "more read": sum(bool(one.more) for one in chosen),
            "passes before": sum(one.passes[0] for one in chosen),
            "passes after": sum(one.passes[1] for one in chosen),
            "kB counted before": sum(one.read[0] for one in chosen) // 1000,
            "kB counted after": sum(one.read[1] for one in chosen) // 1000,
            "words changed": sum(one.words_changed for one in chosen),
        }
        for name in names
        for chosen in [[one for one in comparisons if name in (one.group, "all")]]
    ]


def _show(comparisons: Sequence[Comparison], words: bool) -> None:
    groups = _groups(comparisons)
    print("| " + " | ".join(groups[0]) + " |")
    print("|---" + "|--:" * (len(groups[0]) - 1) + "|")
    for row in groups:
        print("| " + " | ".join(map(str, row.values())) + " |")
    for one in comparisons:
        if one.failed:
            print(f"\n{one.text}")
            for line in (*one.unexpected, *one.differences, *one.more):
                print(f"    {line}")
        if words and one.words_changed:
            print(f"\n{one.text}\n  before: {one.words[0]}\n  after:  {one.words[1]}")


def _versions_that_differ(found: Sequence[dict[str, Any]]) -> str:
    before, after = (one["versions"] for one in found)
    return ", ".join(
        f"{name} {before.get(name)} and {after.get(name)}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    )


def _commit(checkout: Path) -> str:
    """What `git describe` says of a checkout, with ``-dirty`` where it was changed."""
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
