"""Memory that this process has and may have."""

from __future__ import annotations

import mmap
from pathlib import Path

_LIMIT_SHARE = 0.75
"""Part of the free memory that the default limit takes; the rest is left to other processes."""

_STATUS = Path("/proc/self/statm")
_MACHINE = Path("/proc/meminfo")
_CGROUPS = Path("/proc/self/cgroup")
_CONTROLLERS = Path("/sys/fs/cgroup")


def resident_memory() -> int:
    """Measure the resident memory of this process in bytes, pages of mapped files included."""
    try:
        return int(_STATUS.read_text().split()[1]) * mmap.PAGESIZE
    except OSError:  # not Linux, where loading psutil would take longer than decoding a small file
        import psutil

        return int(psutil.Process().memory_info().rss)


def pages_can_be_dropped() -> bool:
    """Whether a process may say that it no longer needs what it mapped.

    Where it may not, the system writes such pages out when memory is short.
    """
    return hasattr(mmap.mmap, "madvise") and hasattr(mmap, "MADV_DONTNEED")


def default_limit() -> int:
    """Choose how many bytes this process may have resident if the user sets no limit.

    The limit is what the process has already and three quarters of what is free: of the machine,
    or of the control group of the process, as in a container or under a batch system.
    """
    free = _available()
    for limit, usage in _group_files():
        if limit.isdecimal() and usage.isdecimal():
            free = min(free, max(int(limit) - int(usage), 0))
    return resident_memory() + int(_LIMIT_SHARE * free)


def _available() -> int:
    """Find the bytes that the machine can give without swapping."""
    try:
        lines = _MACHINE.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) << 10
    except (OSError, StopIteration):
        import psutil

        return int(psutil.virtual_memory().available)


def _group_files() -> list[tuple[str, str]]:
    """Read limit and usage of the control group and of all above it, as the system writes them."""
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
