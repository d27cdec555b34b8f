"""Running ``lplr``: inside this process where options matter, as a process where that matters."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import lplrcli
from lplrcli.cli import main as entry
from lplrcli.cli.command import COMPILING

ROOT = Path(lplrcli.__file__).resolve().parent.parent
COMMAND = [sys.executable, "-m", "lplrcli"]
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name not in ("COLUMNS", "FORCE_COLOR")},
    "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    "PYTHON": sys.executable,
    "TERM": "xterm",
}
PATIENCE = 60  # seconds; nothing waits so long unless it hangs


@dataclass
class Result:
    """What a run left: its status, and what it wrote."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()


class _Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


def _told(err: bytes) -> str:
    """What was written, but for the news that kernels are compiled: another run has done that."""
    return err.decode().replace(f"{COMPILING}\n", "")


def lplr(*arguments, stdin=b"", terminal=False) -> Result:
    """Run the command line in this process, as the entry point runs it.

    With `terminal`, standard error says that it is one.
    """
    kinds = (io.TextIOWrapper, io.TextIOWrapper, _Terminal if terminal else io.TextIOWrapper)
    contents = (stdin, b"", b"")
    streams = [
        kind(io.BytesIO(content), "utf-8") for kind, content in zip(kinds, contents, strict=True)
    ]
    saved = sys.argv, sys.stdin, sys.stdout, sys.stderr, entry.die_of
    handlers = {
        number: signal.getsignal(number)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    sys.argv = ["lplr", *map(str, arguments)]
    sys.stdin, sys.stdout, sys.stderr = streams
    entry.die_of = _not_here
    code = None
    try:
        entry.run()
    except SystemExit as stop:
        code = stop.code
    finally:
        sys.argv, sys.stdin, sys.stdout, sys.stderr, entry.die_of = saved
        for number, handler in handlers.items():
            signal.signal(number, handler)
    for stream in streams[1:]:
        stream.flush()
    out, err = (stream.buffer.getvalue() for stream in streams[1:])
    return Result(code or 0, out, _told(err))


def _not_here(number):
    raise AssertionError(f"the command would have ended by {number!r}")


def start(*arguments, **options) -> subprocess.Popen:
    """Start a real process; its streams are pipes unless said otherwise."""
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)], **{"env": ENVIRONMENT, **streams, **options}
    )


def run(*arguments, stdin=b"", **options) -> Result:
    """Run a real process to its end."""
    with start(*arguments, **options) as process:
        out, err = process.communicate(None if "stdin" in options else stdin, timeout=PATIENCE)
    return Result(process.returncode, out or b"", _told(err or b""))


def shell(line, cwd, **variables) -> Result:
    """Run a shell line in which ``lplr`` is the command."""
    script = f'lplr() {{ "$PYTHON" -m lplrcli "$@"; }}\n{line}'
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=cwd,
        env={**ENVIRONMENT, **variables},
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    return Result(done.returncode, done.stdout, _told(done.stderr))


def on_terminal(*arguments, terminal=("stderr",), **options) -> tuple[Result, str]:
    """Run a process of which some streams are a terminal; also give back what that showed."""
    primary, secondary = pty.openpty()
    try:
        process = start(
            *arguments,
            **{"stdin": subprocess.DEVNULL, **dict.fromkeys(terminal, secondary), **options},
        )
    finally:
        os.close(secondary)
    shown = b""
    with contextlib.suppress(OSError):  # EIO is how a terminal says that nobody writes any more
        while select.select([primary], [], [], PATIENCE)[0] and (piece := os.read(primary, 65536)):
            shown += piece
    os.close(primary)
    out, err = process.communicate(timeout=PATIENCE)
    return Result(process.returncode, out or b"", (err or b"").decode()), shown.decode()


def wait_until(condition, process) -> None:
    """Wait for `condition`, which must come before the process ends."""
    limit = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, process.stderr.read().decode()
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.005)


def temporary_files(folder) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name.startswith(".lplr-"))


def refused(result, code, *words) -> None:
    """A short, clear refusal, which says all of `words` and prints nothing else."""
    assert result.code == code, result
    assert result.out == b""
    for noise in ("Traceback", "internal error", "Exception ignored"):
        assert noise not in result.err
    lines = result.err.splitlines()
    if code == 2:
        assert lines[0].startswith("Usage: lplr"), result.err
        assert len(lines) <= 6
    else:
        assert lines[0].startswith("lplr: "), result.err
        assert 1 <= len(lines) <= 2, result.err
    for word in words:
        assert str(word) in result.err, (word, result.err)
