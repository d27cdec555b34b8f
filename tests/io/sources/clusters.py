"""A real scheduler and real workers, as processes of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import lplrcli

ROOT = Path(lplrcli.__file__).resolve().parent.parent
FORKS = Path(__file__).with_name("cluster_processes.py")
PATIENCE = 60  # seconds; nothing waits so long unless it hangs


class LocalCluster:
    """A scheduler on a free port of this machine, and as many workers as a test needs."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        places = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        self._forks = subprocess.Popen(
            [sys.executable, str(FORKS)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": places},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.workers: list[int] = []
        self._asked("scheduler", port)

    def scale(self, count: int) -> str:
        """Have so many workers; gives the address of the scheduler."""
        from distributed import Client

        while len(self.workers) > count:
            self.kill()
        while len(self.workers) < count:
            self.start_worker()
        with Client(self.address, timeout=PATIENCE, set_as_default=False) as client:
            limit = time.monotonic() + PATIENCE
            while len(client.nthreads()) != count:
                assert time.monotonic() < limit, "workers do not come, or do not go"
                time.sleep(0.02)
        return self.address

    def start_worker(self) -> None:
        self.workers.append(self._asked("worker", self.address))

    def kill(self) -> None:
        """Kill the worker that came first, as a machine would that loses its power."""
        self._asked("kill", self.workers.pop(0))

    def close(self) -> None:
        self._forks.communicate(timeout=PATIENCE)

    def _asked(self, command: str, argument: object) -> int:
        self._forks.stdin.write(f"{command} {argument}\n")
        self._forks.stdin.flush()
        return int(self._forks.stdout.readline())
