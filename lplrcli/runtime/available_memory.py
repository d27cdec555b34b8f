"""How much memory there is for this process, and how much of it is taken."""

from __future__ import annotations

import mmap
from pathlib import Path

_SHARE = 0.75
"""Of what is free: the default limit leaves something to others."""

_STATUS = Path("/proc/self/statm")
_MACHINE = Path("/proc/meminfo")
_CGROUPS = Path("/proc/self/cgroup")
_CONTROLLERS = Path("/sys/fs/cgroup")


def resident_memory() -> int:
    """Bytes of this process in memory, pages of mapped files included."""
    try:
        return int(_STATUS.read_text().split()[1]) * mmap.PAGESIZE
    except OSError:  # not Linux, where loading psutil would take longer than decoding a small file
        import psutil

        return int(psutil.Process().memory_info().rss)


def default_limit() -> int:
    """Bytes that this process may have resident where nobody says: three quarters of what is free.

    What is free of the machine, or of the control group that the process is in, as in a container
    or under a batch system; and what the process has already.
    """
    free = _available()
    for limit, usage in _group_files():
        if limit.isdecimal() and usage.isdecimal():
            free = min(free, max(int(limit) - int(usage), 0))
    return resident_memory() + int(_SHARE * free)


def _available() -> int:
    """Bytes that the machine can give without swapping."""
    try:
        lines = _MACHINE.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) << 10
    except (OSError, StopIteration):
        import psutil

        return int(psutil.virtual_memory().available)


def _group_files() -> list[tuple[str, str]]:
    """Limit and usage of the control group and of all above it, as the kernel writes them."""
    found = []
    try:
        lines = _CGROUPS.read_text().splitlines()
    except OSError:  # not Linux
        return []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":  # version 2
            root, names = _CONTROLLERS, ("memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            root = _CONTROLLERS / "memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes")
        else:
            continue
        group = root / path.lstrip("/")
        for folder in (group, *group.parents):
            if folder == root.parent:
                break
            try:
                limit, usage = ((folder / name).read_text().strip() for name in names)
            except OSError:  # the root group has no limit; a container may not see its own path
                continue
            found.append((limit, usage))
    return found
