"""Runs the commands of ``same_bytes_corpus.py`` in one process and records what they leave.

Usage: python benchmarks/same_bytes_worker.py CHECKOUT FOLDER RESULTS.json [GROUP ...]

``same_bytes.py`` starts this once a checkout, with the Python of that checkout and this file of its
own, so that both sides are asked the same. Commands go through the entry of the console script,
``lplrcli.__main__.main``; the standard streams are files, or a pipe.

What is read is counted from outside, by the inputs of ``same_bytes_reads.py``.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib
import importlib.metadata
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import fsspec
from same_bytes_content import content
from same_bytes_corpus import PREPARING, Step, steps
from same_bytes_reads import COUNT, CountedFiles, counted

# Modules beside this file must not be taken for packages of their names: dask looks for `sparse`.
sys.path.pop(0)

ONLY_READ = "testdata"
"""A folder that no command writes into."""

LIBRARIES = ("numpy", "scipy", "numba", "h5py", "zstandard", "click", "rich", "dask", "zarr")


class Ended(BaseException):
    """Stands for the end of the process that the command line asks for."""

    def __init__(self, status: int) -> None:
        self.status = status


@contextmanager
def standard_streams(
    stdin: str | None, piped: bool, out: BinaryIO, err: BinaryIO
) -> Iterator[None]:
    """Meanwhile the descriptors 0, 1, 2 and ``sys.std*`` are the files given."""
    saved = [os.dup(number) for number in range(3)]
    streams = sys.stdin, sys.stdout, sys.stderr
    feeder = None
    if piped and stdin:
        source, write_end = os.pipe()
        feeder = threading.Thread(target=_feed, args=(Path(stdin).read_bytes(), write_end))
        feeder.start()
    else:
        source = os.open(stdin or os.devnull, os.O_RDONLY)
    try:
        for number, file in enumerate((source, out.fileno(), err.fileno())):
            os.dup2(file, number)
        os.close(source)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdin, sys.stdout, sys.stderr = streams
        for number, file in enumerate(saved):
            os.dup2(file, number)
            os.close(file)
        if feeder is not None:
            feeder.join()


def _feed(content: bytes, descriptor: int) -> None:
    try:
        with open(descriptor, "wb") as pipe:
            pipe.write(content)
    except BrokenPipeError:
        pass  # a command that refuses its input does not read all of it


def run(step: Step) -> dict[str, Any]:
    """Run one step in the current folder and tell what it left."""
    before = _files()
    COUNT.bytes = 0
    started = time.perf_counter()
    result: dict[str, Any] = {}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with standard_streams(step.stdin, step.piped, out, err):
            status = _called(step, result) if step.kind else _commanded(step)
        out.seek(0)
        err.seek(0)
        printed, words = out.read(), err.read()
    seconds = time.perf_counter() - started
    after = _files()
    changed = sorted(path for path in after if after[path] != before.get(path))
    left = {path: Path(path).read_bytes() for path in changed}
    if step.printed and printed:
        left["standard output"] = printed
    outputs = {path: _sha(data) for path, data in left.items()}
    outputs |= {path: "removed" for path in before if path not in after}
    if printed and not step.printed:
        try:
            result["document"] = json.loads(printed)
        except ValueError:
            words = printed + words
    return {
        "status": status,
        "outputs": outputs,
        "contents": {path: content(data) for path, data in left.items()},
        "words": words.decode(errors="replace"),
        "read": COUNT.bytes,
        "seconds": seconds,
        **result,
    }


def _commanded(step: Step) -> int:
    sys.argv = ["lplr", *step.arguments]
    try:
        importlib.import_module("lplrcli.__main__").main()
    except Ended as end:
        return end.status
    return 0


def _called(step: Step, result: dict[str, Any]) -> int:
    """``lplrcli.compress`` of a counted array; the file is saved as a command would."""
    import lplrcli

    path, output, *options = step.arguments
    keywords = {}
    for option in options:
        key, _, text = option.partition("=")
        keywords[key] = _value(text)
    try:
        with lplrcli.compress(counted(step.kind, path), threads=1, **keywords) as compressed:
            compressed.save(output)
            result["document"] = {"rank": compressed.rank, "passes": compressed.report.passes}
    except Exception as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return int(getattr(error, "exit_code", 1))
    return 0


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _files() -> dict[str, tuple[int, int, int]]:
    """Inode, size and time of every file of the folder but those that are only read."""
    found = {}
    for folder, folders, names in os.walk("."):
        if Path(folder) == Path():
            folders[:] = [name for name in folders if name != ONLY_READ]
        for name in names:
            path = Path(folder, name)
            told = path.stat()
            found[str(path)] = (told.st_ino, told.st_size, told.st_mtime_ns)
    return found


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def prepare(kind: str, source: str, target: str) -> None:
    """Copy a file: ``flip:F`` with a byte changed at that fraction, ``cut:F`` cut off there."""
    content = bytearray(Path(source).read_bytes())
    how, _, fraction = kind.partition(":")
    place = int(float(fraction or 0) * len(content))
    if how == "cut":
        content = content[:place]
    elif how == "flip":
        content[place] ^= 0x55
    Path(target).write_bytes(content)


def _ended(status: int) -> None:
    raise Ended(status)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("groups", nargs="*")
    options = parser.parse_args()
    results_path = options.results.resolve()
    checkout = options.checkout.resolve()
    sys.path.insert(0, str(checkout))
    import lplrcli

    if not Path(lplrcli.__file__).is_relative_to(checkout):
        sys.exit(f"{lplrcli.__file__} is not in {checkout}")
    fsspec.register_implementation("counted", CountedFiles)
    # The command line leaves by it, so that nothing is taken apart.
    os._exit = _ended  # type: ignore[assignment]
    os.chdir(options.folder)
    results = []
    for step in steps():
        if options.groups and step.group not in options.groups:
            continue
        if step.kind.partition(":")[0] in PREPARING:
            prepare(step.kind, *step.arguments)
            continue
        told = {"text": step.text, "group": step.group, "expected": step.status}
        results.append({**told, **run(step)})
    versions = {name: importlib.metadata.version(name) for name in LIBRARIES}
    versions["python"] = sys.version.split()[0]
    results_path.write_text(json.dumps({"versions": versions, "results": results}))


if __name__ == "__main__":
    main()
