"""The command line where there is less than on Linux: no ``/proc``, no locks, no advice on pages.

This is no proof that it works elsewhere; it shows that nothing it does needs what is missing here.
"""

from __future__ import annotations

import subprocess
import sys

import numpy as np
from lplr_command import run

ELSEWHERE = r"""
import ctypes, mmap, os, shutil, signal, sys
import psutil

sys.modules["fcntl"] = None  # to import it is an ImportError
for module, names in {
    os: ("fchmod", "posix_fallocate", "sched_getaffinity", "pread", "O_CLOEXEC", "O_NOFOLLOW"),
    signal: ("SIGHUP", "SIGPIPE"),
    mmap: tuple(name for name in dir(mmap) if name.startswith("MADV_")),
}.items():
    for name in names:
        if hasattr(module, name):
            delattr(module, name)


class Absent:
    def __get__(self, owner, kind):
        raise AttributeError


class Mapping(mmap.mmap):
    madvise = Absent()


def by(package, frame):
    return frame.f_globals.get("__name__", "").partition(".")[0] == package


library = ctypes.CDLL


def load(name, *others, **options):
    if name is None and by("lplrcli", sys._getframe(1)):
        raise TypeError("expected str instance, not None")
    return library(name, *others, **options)


def of_linux(function):
    def call(*arguments):
        if by("lplrcli", sys._getframe(1)):
            raise AttributeError(function.__name__)
        return function(*arguments)

    return call


def of_closed_files(function):
    def call(source, *others, **options):
        if os.path.realpath(source) in [file.path for file in psutil.Process().open_files()]:
            raise PermissionError(13, "the file is in use", str(source))
        return function(source, *others, **options)

    return call


def opened(event, arguments):
    path = arguments[0] if event == "open" else None
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    if not isinstance(path, str) or not path.startswith(("/proc/", "/sys/", "/dev/fd/")):
        return
    frame = sys._getframe(1)
    while frame is not None and any(by(name, frame) for name in ("pathlib", "io", "__main__")):
        frame = frame.f_back
    if frame is not None and by("lplrcli", frame):  # what libraries do is their own affair
        raise FileNotFoundError(2, "there is no such thing here", path)


mmap.mmap, ctypes.CDLL, os.statvfs = Mapping, load, of_linux(os.statvfs)
os.replace, os.rename, os.link = map(of_closed_files, (os.replace, os.rename, os.link))
sys.addaudithook(opened)
"""

RUN_ALL = """
import lplrcli.cli.main as entry

for line in sys.argv[1:]:
    sys.argv = ["lplr", *line.split()]
    try:
        entry.run()
    except SystemExit as end:
        print(end.code or 0, line, flush=True)
"""

LINES = (
    "compress a.npy -r 4 -b 8 -o r.lplr",
    "compress a.npy --bpc 2 -o e.lplr --progress",
    "compress a.npy --bpc 2 -fo e.lplr",
    "append r.lplr a.npy -e 9",
    "decompress r.lplr -o r.npy",
    "decompress r.lplr -fo r.npy",
    "decompress r.lplr -o r.h5",
    "compress r.h5 -r 4 -b 8 -o h.lplr",
    "verify r.lplr e.lplr h.lplr",
    "recover e.lplr -o rest.npy",
    "inspect r.lplr --against r.npy",
    "inspect r.lplr e.lplr",
    "plan a.npy",
    "compare a.npy --method nq --bpc 4",
)


def test_every_command_works_where_there_is_less(work, monkeypatch):
    monkeypatch.setattr("lplr_command.COMMAND", [sys.executable, "-c", ELSEWHERE + RUN_ALL])
    result = run(*LINES, cwd=work)
    assert result.code == 0, result.err
    codes = [line for line in result.text.splitlines() if line[2:] in LINES]
    assert codes == [f"0 {line}" for line in LINES], result.err
    assert np.load("r.npy").shape == (240, 80)


ABSENT = """
for text in ("import fcntl", "os.fchmod", "signal.SIGHUP", "mmap.mmap.madvise"):
    try:
        exec(text)
    except (ImportError, AttributeError):
        continue
    raise SystemExit(f"{text} is there")
"""


def test_what_is_said_to_be_absent_is():
    subprocess.run([sys.executable, "-c", ELSEWHERE + ABSENT], check=True)
