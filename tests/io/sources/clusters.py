"""A real scheduler and real workers, as processes of their own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import lplrcli

ROOT = Path(lplrcli.__file__).resolve().parent.parent
PATIENCE = 60  # seconds; nothing waits so long unless it hangs


class LocalCluster:
    """Processes of ``dask scheduler`` and ``dask worker`` on free ports of this machine."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        self._folder = folder
        self._scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", str(port))
        self.workers: list[subprocess.Popen] = []

    def scale(self, count: int) -> str:
        """Have so many workers; gives the address of the scheduler."""
        from distributed import Client

        self.workers = [worker for worker in self.workers if worker.poll() is None]
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
        options = ("--no-nanny", "--nthreads", "1", "--memory-limit", "0")
        self.workers.append(self._start("worker", self.address, *options))

    def kill(self) -> None:
        """Kill the worker that came first, as a machine would that loses its power."""
        worker = self.workers.pop(0)
        worker.send_signal(signal.SIGKILL)
        worker.wait(PATIENCE)

    def close(self) -> None:
        for process in (*self.workers, self._scheduler):
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait(PATIENCE)

    def _start(self, what: str, *arguments: str) -> subprocess.Popen:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--no-dashboard"]
        places = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        return subprocess.Popen(
            [*command, *arguments],
            cwd=self._folder,
            env={**os.environ, "PYTHONPATH": places},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
