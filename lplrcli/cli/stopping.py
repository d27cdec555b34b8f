"""Ending on a signal: at once, and with nothing left behind."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
BROKEN_PIPE: int = getattr(signal, "SIGPIPE", signal.SIGTERM)
"""Signal that a process ends by when the reader of its output is gone."""

_farewells: list[bytes] = []


def end_on_signals() -> None:
    """Have signals remove temporary files and end the process as a shell expects.

    Not by an exception, which unwinds: raised in what a library calls back it would be lost, with
    a message of the interpreter, and the command would go on. What the parent ignores stays
    ignored: nohup.
    """
    for number in _SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)


@contextmanager
def farewell(text: bytes) -> Iterator[None]:
    """Write `text` to standard error if a signal ends the process within the block."""
    _farewells.append(text)
    try:
        yield
    finally:
        _farewells.remove(text)


def die_of(number: int) -> NoReturn:
    """End as the shell expects of a program that the signal stopped."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    # Where it is not loaded, or not to its end, there are none; to load it now could take long.
    remove_own = getattr(sys.modules.get("lplrcli.io.files.temporary"), "remove_own", None)
    if remove_own is not None:
        remove_own()
    with suppress(OSError):
        os.write(2, b"".join(_farewells))
    die_of(number)
