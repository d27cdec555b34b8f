"""Flip bits of files, and overwrite runs of bytes: each time it must be noticed.

Usage: python benchmarks/bit_flips.py [--flips 100000] [--bursts 10000] [--jobs 2] [--seed 0]

Every bit of a file of some 20 kB is flipped: two matrices, one of them with transformed and
entropy-coded factors, a residual and a mean row. Then random bits of one of some 5 MB, and in
that, runs of 2 to 4096 bytes are overwritten, half of them with zeros, half with random bytes.

What a command reads, it reads section by section, and what fails in one section fails whatever
is read before it. So the sections that were damaged are read first, as decompressing asks for
them: a chunk from the factor that it is of, anything else by opening the file and the matrices in
it, ancillary sections by the check of what nobody has read. Nothing else is decoded. Some cases,
drawn by chance, go through the commands `decompress` and `verify` as a whole, which must end with
status 3 and write nothing. The exit status is 1 if any damage was not noticed. Results go to
benchmarks/trust/bit_flips.json.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import sys
import tempfile
import time
from bisect import bisect_right
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from campaign import record

import lplrcli
from lplrcli.container.byte_layout import CHUNK_TAGS
from lplrcli.container.reader import open_container
from lplrcli.container.writer import write_container
from lplrcli.errors import ContainerError

PARTS = 16  # of the work, for each process in turn
WHOLE_SMALL, WHOLE_LARGE = 100, 4000  # one case in so many goes through the commands
LONGEST = 4096


@dataclass(frozen=True)
class Damage:
    """Bytes that are overwritten: `data` from byte `start` on."""

    start: int
    data: bytes


class File:
    """A file in memory that is damaged and repaired again and again.

    Parameters
    ----------
    raw : bytes
        The file.
    """

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._stream = io.BytesIO(raw)
        # Opened once: it reads a chunk each time that it is asked for one.
        self._container = open_container(self._stream, "whole")
        self._ends = [section.end for section in self._container.sections]
        self._matrices = [self._container.factorization(i) for i in range(self._container.count)]

    def notices(self, damage: Damage) -> str | None:
        """Tag of a damaged section that is refused, as decompressing reads it; None if none is."""
        first = bisect_right(self._ends, damage.start)
        last = bisect_right(self._ends, damage.start + len(damage.data) - 1)
        self._put(damage.start, damage.data)
        try:
            for section in self._container.sections[first : last + 1]:
                with contextlib.suppress(ContainerError):
                    side = SIDES.get(section.tag)
                    if side is None or damage.start < HEADER_BYTES:
                        self._open()
                    else:
                        parts = self._matrices[section.matrix].parts
                        parts[side].chunks[section.ordinal]
                    continue
                return section.tag
            return None
        finally:
            end = damage.start + len(damage.data)
            self._put(damage.start, self._raw[damage.start : end])

    def _open(self) -> None:
        container = open_container(self._stream, "damaged")
        for i in range(container.count):
            container.factorization(i)
        container.check_unread()

    def _put(self, start: int, data: bytes) -> None:
        with self._stream.getbuffer() as content:
            content[start : start + len(data)] = data


SIDES = {tag: side for side, tag in CHUNK_TAGS.items()}
HEADER_BYTES = 32


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--flips", type=int, default=100_000, help="random ones (default 100000)")
    parser.add_argument("--bursts", type=int, default=10_000, help="default 10000")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time (default 2)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="default benchmarks/trust/bit_flips.json")
    options = parser.parse_args()
    started = time.monotonic()
    small, large = small_file(), large_file()
    print(f"files of {len(small)} and {len(large)} bytes", file=sys.stderr)
    work = {
        "every bit": (small, 8 * len(small), WHOLE_SMALL),
        "random bits": (large, options.flips, WHOLE_LARGE),
        "bursts": (large, options.bursts, WHOLE_LARGE),
    }
    cases = failures = 0
    details: dict[str, object] = {"bytes": [len(small), len(large)]}
    with ProcessPoolExecutor(options.jobs) as pool:
        for kind, (raw, count, every) in work.items():
            task = partial(tried, raw, kind, count, every, options.seed)
            noticed: Counter[str] = Counter()
            whole = 0
            missed: list[str] = []
            for tags, commands, faults in pool.map(task, range(PARTS)):
                noticed += tags
                whole += commands
                missed += faults
            for line in missed:
                print(line, file=sys.stderr)
            cases += count
            failures += len(missed)
            details[kind] = {
                "cases": count,
                "through the commands": whole,
                "section that refused": dict(noticed.most_common()),
            }
    return record(
        "bit_flips",
        "every bit of a small file flipped, random bits and runs of bytes of a large one damaged: "
        "each must be noticed",
        cases,
        failures,
        "flips",
        details,
        options.seed,
        time.monotonic() - started,
        options.out,
    )


def tried(
    raw: bytes, kind: str, count: int, every: int, seed: int, part: int
) -> tuple[Counter[str], int, list[str]]:
    """Damage the file in a share of all cases, and count by whom it was noticed."""
    file = File(raw)
    noticed: Counter[str] = Counter()
    commands = 0
    missed = []
    for number in range(part, count, PARTS):
        rng = random.Random(f"{seed} {kind} {number}")
        damage = drawn(raw, kind, number, rng)
        tag = file.notices(damage)
        where = f"{kind} {number}: {len(damage.data)} bytes from {damage.start} on"
        if tag is None:
            missed.append(f"{where}: not noticed")
        else:
            noticed[tag] += 1
        if rng.randrange(every) == 0:
            commands += 1
            missed += [f"{where}: {fault}" for fault in commanded(raw, damage)]
    return noticed, commands, missed


def drawn(raw: bytes, kind: str, number: int, rng: random.Random) -> Damage:
    """Which bytes to change, and into what."""
    if kind != "bursts":
        bit = number if kind == "every bit" else rng.randrange(8 * len(raw))
        return Damage(bit // 8, bytes([raw[bit // 8] ^ 1 << bit % 8]))
    while True:
        length = rng.randint(2, LONGEST)
        start = rng.randrange(len(raw) - length + 1)
        data = bytes(length) if rng.randrange(2) else rng.randbytes(length)
        if data != raw[start : start + length]:
            return Damage(start, data)


def commanded(raw: bytes, damage: Damage) -> list[str]:
    """What is wrong with how the commands take the damaged file."""
    from lplrcli.cli.main import run

    faults = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.lplr"
        end = damage.start + len(damage.data)
        path.write_bytes(raw[: damage.start] + damage.data + raw[end:])
        for arguments in (
            ["verify", str(path)],
            *(["decompress", str(path), "--matrix", str(i), "-o", f"{folder}/out.npy"]
              for i in range(2)),
        ):  # fmt: skip
            sys.argv = ["lplr", *arguments, "-q"]
            status: object = 0
            try:
                with (
                    contextlib.redirect_stderr(io.StringIO()),
                    contextlib.redirect_stdout(io.StringIO()),
                ):
                    run()
            except SystemExit as end_of_run:
                status = end_of_run.code
            if status != 3:
                faults.append(f"lplr {arguments[0]} ended with status {status}")
        if [each.name for each in Path(folder).iterdir()] != ["a.lplr"]:
            faults.append("something was written")
    return faults


def small_file() -> bytes:
    """Two matrices: all kinds of sections that there are, and fixed-width codes."""
    rng = np.random.default_rng(0)
    smooth = lplrcli.compress(
        field(240, 320, rng),
        rel_error=0.0015,
        mode="factors+residual",
        rank=6,
        transform="dct",
        center="mean-row",
    )
    packed = lplrcli.compress(rng.standard_normal((90, 70)), rank=6, bits=6)
    return joined(smooth, packed)


def large_file() -> bytes:
    """Millions of coefficients of a residual, in many chunks; and a small matrix."""
    rng = np.random.default_rng(1)
    noisy = lplrcli.compress(field(3000, 2500, rng, 1.0), bpc=5.3, mode="factors+residual", rank=4)
    packed = lplrcli.compress(rng.standard_normal((90, 70)), rank=6, bits=6)
    return joined(noisy, packed)


def joined(*matrices: lplrcli.CompressedMatrix) -> bytes:
    stream = io.BytesIO()
    write_container(stream, [matrix.factorization for matrix in matrices])
    return stream.getvalue()


def field(
    rows: int, columns: int, rng: np.random.Generator, noise: float = 0.02
) -> np.typing.NDArray[np.float32]:
    """Waves over a mean, and noise."""
    t, x = np.linspace(0, 1, rows)[:, None], np.linspace(0, 1, columns)
    waves = sum(np.sin(k * (3 * t + 2 * x) + k) * np.cos(2 * k * x) / k for k in range(1, 6))
    values = 2 + waves + noise * rng.standard_normal((rows, columns))
    return np.asarray(values, np.float32)


if __name__ == "__main__":
    sys.exit(main())
