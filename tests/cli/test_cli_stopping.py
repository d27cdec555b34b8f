"""Signals end a command at once, wherever they meet it."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from lplr_command import ENVIRONMENT, temporary_files

CALLED_BACK = """
import ctypes, os, signal, sys
from pathlib import Path
from lplrcli.cli.stopping import end_on_signals, farewell
from lplrcli.io.files.temporary import temporary_file

def interrupted():
    os.kill(os.getpid(), int(sys.argv[1]))
    return 0

end_on_signals()
with temporary_file(Path(sys.argv[2]), None) as (stream, path), farewell(b"bye"):
    stream.write(b"half")
    ctypes.CFUNCTYPE(ctypes.c_int)(interrupted)()
    print("the command went on")
"""

WHILE_LOADING = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, *others):
        if name == "click":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
from lplrcli.__main__ import main
main()
"""


def python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=ENVIRONMENT, capture_output=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_a_library_calls_back(tmp_path, number):
    # An exception would be lost there.
    done = python(CALLED_BACK, int(number), tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (-number, b"", b"bye")
    assert not temporary_files(tmp_path)


def test_an_interrupt_while_modules_load():
    done = python(WHILE_LOADING)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")
