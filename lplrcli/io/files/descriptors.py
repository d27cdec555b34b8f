"""Names of files that are open already, such as ``/dev/stdout``.

To open such a name would do something else than the shell said: it would empty the file behind it,
and write from its start, whatever ``>>`` has asked for.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

_STANDARD = {"in": 0, "out": 1, "err": 2}
_NAME = re.compile(r"/dev/std(in|out|err)|/(?:dev|proc/(?:self|\d+))/fd/(\d+)")
_MOST_LINKS = 40


def descriptor_of(path: str) -> int | None:
    """Find the number of the open file of this process that a name stands for.

    Links are followed, but for the last one, which leads to the file itself.

    Parameters
    ----------
    path : str
        Any path; ``-`` is one as others are.

    Returns
    -------
    int or None
        None if the path is no such name.

    Examples
    --------
    >>> descriptor_of("a.npy") is None
    True
    """
    for _ in range(_MOST_LINKS):
        try:
            place = Path(os.path.realpath(Path(path).parent), Path(path).name)
            if not os.path.lexists(place):
                return None
            if found := _NAME.fullmatch(str(place)):
                return None if _of_another_process(place) else _number(*found.groups())
            path = str(place.parent / place.readlink())
        except (OSError, ValueError):  # it is no link; ValueError: a NUL in the name
            return None
    return None


def is_closed(number: int) -> bool:
    """Whether a standard stream was closed when the process began; its number may be reused."""
    streams = (sys.__stdin__, sys.__stdout__, sys.__stderr__)
    return number < len(streams) and streams[number] is None


def _number(standard: str | None, number: str | None) -> int:
    return _STANDARD[standard] if standard is not None else int(number or 0)


def _of_another_process(path: Path) -> bool:
    process = path.parts[2] if path.parts[1] == "proc" else "self"
    return process not in ("self", str(os.getpid()))
