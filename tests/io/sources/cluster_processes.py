"""Forks schedulers and workers of dask once everything that they use is loaded.

Started as a process by `clusters.LocalCluster`: a worker that loads Numba and SciPy by itself takes
seconds of processor time to come. A line of standard input is a command, ``scheduler PORT``,
``worker ADDRESS`` or ``kill PID``; the answer is a process ID. All end with standard input.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import distributed
import scipy.io  # noqa: F401 - loaded for those that are forked

import lplrcli.io.sources.dask_worker
import lplrcli.pipeline.compress  # noqa: F401
from lplrcli.kernels.loading import load_kernels

HOST = "127.0.0.1"


async def serve(what: str, argument: str) -> None:
    """Be a scheduler on a port, or a worker of the scheduler at an address, until killed."""
    if what == "scheduler":
        node = distributed.Scheduler(host=HOST, port=int(argument), dashboard=False)
    else:
        node = distributed.Worker(argument, nthreads=1, memory_limit=0, dashboard=False)
    async with node:
        await node.finished()


def fork(what: str, argument: str) -> int:
    process = os.fork()
    if process:
        return process
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nothing, stream)
    try:
        asyncio.run(serve(what, argument))
    finally:
        os._exit(1)


def kill(process: int) -> int:
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return process


def main() -> None:
    load_kernels()
    running = set()
    for line in sys.stdin:
        what, argument = line.split()
        if what == "kill":
            answer = kill(int(argument))
            running.remove(answer)
        else:
            answer = fork(what, argument)
            running.add(answer)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()
    for process in running:
        kill(process)


if __name__ == "__main__":
    main()
