"""Kill commands at random moments: the output must be absent, as it was, or complete.

Usage: python benchmarks/kills.py [--kills 600] [--signals 120] [--jobs 2] [--seed 0]

Real processes of `compress`, `decompress` and `append` are killed with SIGKILL: half of them at
moments spread over the time that the command takes undisturbed, half over that from its first
byte written on. One that had ended by then does not count. After each kill the output is absent,
has the bytes it had, or has those of an undisturbed run; inputs have theirs; and nothing else is
in the folder but temporary files, which the next command removes. The moment is told from the
temporary file: there was none yet, it was empty, it grew, it was complete but had not its name
yet; or the output was there.

Then others are ended by SIGINT and SIGTERM: these leave no temporary file either, print
nothing, and end by the signal or with 128 + its number. The exit status is 1 if anything was
otherwise. Results go to benchmarks/trust/kills.json.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from campaign import record

ROOT = Path(__file__).resolve().parent.parent
SHAPE = 3000, 4000  # 48 MB of float32: much to write for what there is to compute
PAUSE = 60  # seconds; nothing takes so long

WORK = {
    "compress to a new file": ("out.lplr", False, "compress wide.npy -b 16 --method nq"),
    "compress onto a file": ("out.lplr", True, "compress wide.npy -b 16 --method nq -f"),
    "compress HDF5": ("out.lplr", True, "compress small.h5 -r 16 -b 8 -f"),
    "decompress to a new .npy": ("out.npy", False, "decompress wide.lplr"),
    "decompress onto a .npy": ("out.npy", True, "decompress wide.lplr -f"),
    "decompress onto a .h5": ("out.h5", True, "decompress wide.lplr -f"),
    "append onto itself": ("out.lplr", True, "append out.lplr more.npy"),
    "append onto another": ("out.lplr", True, "append large.lplr more.npy -f"),
}
"""Name of the output, whether it is there before, and the command without ``-o``."""

MOMENTS = ("before its temporary file", "before writing", "while writing", "before renaming",
           "afterwards")  # fmt: skip


@dataclass
class Command:
    """One command, and the folder it works in.

    Attributes
    ----------
    folder : Path
    arguments : list of str
    output : Path
    old : Path or None
        What the output is before the command, if it is there.
    new : str
        Digest of what an undisturbed run makes of it.
    size : int
        Of that file.
    seconds, writing : float
        Time of such a run, and from the first byte that it writes on.
    """

    folder: Path
    arguments: list[str]
    output: Path
    old: Path | None
    new: str | None = None
    size: int = 0
    seconds: float = 0.0
    writing: float = 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=600, help="with SIGKILL (default 600)")
    parser.add_argument("--signals", type=int, default=120, help="with others (default 120)")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time (default 2)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scratch", type=Path, help="where the temporary folder is made")
    parser.add_argument("--out", type=Path, help="default benchmarks/trust/kills.json")
    options = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        make_inputs(Path(scratch) / "inputs")
        shutil.copytree(Path(scratch) / "inputs", Path(scratch) / "kept")
        share = [list(WORK)[job :: options.jobs] for job in range(options.jobs)]
        with ThreadPoolExecutor(options.jobs) as pool:
            parts = [
                pool.submit(series, Path(scratch), names, options.kills, options.signals,
                            options.seed)
                for names in share
            ]  # fmt: skip
            found = [entry for part in parts for entry in part.result()]
    kills: Counter[str] = Counter()
    moments: dict[str, dict[str, int]] = {}
    failures: list[str] = []
    for name, how, counts, wrong in found:
        kills[how] += sum(counts.values())
        moments.setdefault(name, {})[how] = sum(counts.values())
        if how == "SIGKILL":
            moments[name].update({moment: counts[moment] for moment in MOMENTS})
        failures += wrong
    total = {moment: sum(each.get(moment, 0) for each in moments.values()) for moment in MOMENTS}
    for line in failures:
        print(line, file=sys.stderr)
    return record(
        "kills",
        "compress, decompress and append stopped at random moments: output absent, old or complete",
        sum(kills.values()),
        len(failures),
        "kills",
        {"by signal": dict(kills), "SIGKILL by moment": total, "by command": moments},
        options.seed,
        time.monotonic() - started,
        options.out,
    )


def make_inputs(folder: Path) -> None:
    """Write the matrices and files that commands read, and the old ones they replace."""
    import h5py

    folder.mkdir()
    rng = np.random.default_rng(0)
    wide = rng.standard_normal((SHAPE[0], 4)) @ rng.standard_normal((4, SHAPE[1]))
    np.save(folder / "wide.npy", wide.astype(np.float32))
    small = wide[:300, :200].astype(np.float32)
    with h5py.File(folder / "small.h5", "w") as file:
        file["u"] = small
    tall = np.repeat(wide[:, :600], 20, axis=0).astype(np.float32)
    np.save(folder / "tall.npy", tall)
    np.save(folder / "more.npy", tall[:500])
    lplr(folder, "compress", "wide.npy", "-r", "4", "-b", "8", "-q")
    lplr(folder, "compress", "tall.npy", "-r", "64", "-b", "16", "-qo", "large.lplr",
         "--method", "lplr")  # fmt: skip
    (folder / "tall.npy").unlink()
    np.save(folder / "old.npy", small)
    with h5py.File(folder / "old.h5", "w") as file:
        file["old"] = small
    lplr(folder, "compress", "old.npy", "-r", "2", "-b", "2", "-qo", "old.lplr")


def series(
    scratch: Path, names: Sequence[str], kills: int, signals: int, seed: int
) -> list[tuple[str, str, Counter[str], list[str]]]:
    """Kill some of the commands, each a number of times, spread over its time."""
    results = []
    for name in names:
        place = list(WORK).index(name)
        command = prepared(scratch, place, name)
        rng = random.Random(f"{seed} {name}")
        for how, number, count in (
            ("SIGKILL", signal.SIGKILL, kills),
            ("SIGINT", signal.SIGINT, signals // 2),
            ("SIGTERM", signal.SIGTERM, signals - signals // 2),
        ):
            mine = count // len(WORK) + (place < count % len(WORK))
            counts: Counter[str] = Counter()
            wrong: list[str] = []
            for i in range(mine):
                share = (i // 2 * 2 + 2 * rng.random()) / (mine + 1)
                met, faults = stopped(command, number, share, bool(i % 2))
                while met is None:  # it was faster: its time is known better now
                    share = rng.random()
                    met, faults = stopped(command, number, share, bool(i % 2))
                counts[met] += 1
                wrong += [f"{name}, {how} number {i}: {fault}" for fault in faults]
            results.append((name, how, counts, wrong))
        # What the last one left goes with the next run, which is as if nothing had happened.
        reset(command)
        lplr(command.folder, *command.arguments)
        if digest(command.output) != command.new or leftovers(command):
            results[-1][3].append(f"{name}: the run afterwards is not as the undisturbed one")
        for path in (scratch / "inputs").iterdir():
            if digest(path) != digest(scratch / "kept" / path.name):
                results[-1][3].append(f"{name}: {path.name} has changed")
    return results


def prepared(scratch: Path, place: int, name: str) -> Command:
    """A folder with the inputs, and what an undisturbed run gives and takes."""
    output, there, line = WORK[name]
    folder = scratch / str(place)
    folder.mkdir()
    for path in (scratch / "inputs").iterdir():
        (folder / path.name).hardlink_to(path)
    itself = line.startswith("append out")
    old = "large.lplr" if itself else f"old{Path(output).suffix}"
    arguments = [*line.split(), "-q", *(() if itself else ("-o", output))]
    command = Command(folder, arguments, folder / output, folder / old if there else None)
    times, writing = [], []
    for _ in range(3):
        reset(command)
        began = time.monotonic()
        process = started(folder, *arguments)
        await_writing(process, command)
        first = time.monotonic()
        finish(process, arguments)
        times.append(time.monotonic() - began)
        writing.append(time.monotonic() - first)
    command.new = digest(command.output)
    command.seconds, command.writing = median(times), median(writing)
    command.size = command.output.stat().st_size
    return command


def stopped(
    command: Command, number: signal.Signals, share: float, aimed: bool
) -> tuple[str | None, list[str]]:
    """Start a command and stop it; tell when that met it, and what was wrong afterwards.

    After a share of its time or, if `aimed`, of that which it spends writing. None if it had
    ended by then.
    """
    reset(command)
    left = leftovers(command)
    inputs = states(command)
    began = first = time.monotonic()
    process = started(command.folder, *command.arguments)
    if aimed:
        await_writing(process, command)
        first = time.monotonic()
    with suppress(subprocess.TimeoutExpired):
        process.wait(share * (command.writing if aimed else command.seconds))
    ended = process.poll() is not None
    process.send_signal(number)
    out, err = process.communicate(timeout=PAUSE)
    if ended or process.returncode == 0:
        command.seconds = min(command.seconds, time.monotonic() - began)
        if aimed:
            command.writing = min(command.writing, time.monotonic() - first)
        return None, []
    faults = []
    temporary = leftovers(command) - left
    found = digest(command.output)
    if found == command.new:
        met = "afterwards"
    else:
        old = None if command.old is None else digest(command.old)
        if found != old:
            faults.append("the output is neither old nor new")
        sizes = [path.stat().st_size for path in temporary]
        met = MOMENTS[0]
        if sizes:
            met = MOMENTS[1] if not sizes[0] else MOMENTS[2 + (sizes[0] == command.size)]
    if states(command) != inputs:
        faults.append("inputs have changed, or there are other files")
    if left & leftovers(command) and (temporary or met == "afterwards"):
        faults.append("what an earlier run left is still there")
    if number != signal.SIGKILL:
        if temporary:
            faults.append("a temporary file is left")
        # A signal in the first moments meets Python itself, which says so in its own way.
        python = b"init_import_site" in err or b"runpy" in err
        python = python and b"lplrcli/cli" not in err and b"Exception ignored" not in err
        if not python and process.returncode not in (-number, 128 + number):
            faults.append(f"exit status {process.returncode}")
        if out or (err and not python):
            faults.append(f"it says {(out + err).decode()[-2000:]}")
    return met, faults


def reset(command: Command) -> None:
    """Have the output as it is before the command."""
    command.output.unlink(missing_ok=True)
    if command.old is not None:
        command.output.write_bytes(command.old.read_bytes())


def states(command: Command) -> dict[Path, tuple[int, int, int]]:
    """Which files the inputs are, and how they are."""
    others = {command.output, *leftovers(command)}
    found = {path: path.stat() for path in command.folder.iterdir() if path not in others}
    return {path: (s.st_ino, s.st_size, s.st_mtime_ns) for path, s in found.items()}


def await_writing(process: subprocess.Popen[bytes], command: Command) -> None:
    """Wait until the command has written something, or ended."""
    before = leftovers(command)
    while process.poll() is None:
        with suppress(FileNotFoundError):
            if any(path.stat().st_size for path in leftovers(command) - before):
                return
        time.sleep(0.001)


def leftovers(command: Command) -> set[Path]:
    return {path for path in command.folder.iterdir() if path.name.startswith(".lplr-")}


def digest(path: Path) -> str | None:
    if not path.exists():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def started(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "lplrcli", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def lplr(folder: Path, *arguments: str) -> None:
    """Run a command undisturbed."""
    finish(started(folder, *arguments), arguments)


def finish(process: subprocess.Popen[bytes], arguments: Sequence[str]) -> None:
    _, err = process.communicate(timeout=10 * PAUSE)
    if process.returncode:
        sys.exit(f"lplr {' '.join(arguments)} failed: {err.decode()}")


if __name__ == "__main__":
    sys.exit(main())
