"""News of compilation: the first run on a machine is slow, and a person wants to know why.

Numba says when it compiles, and says nothing when it loads machine code from its cache. So nothing
is told in vain, nor too late. This module does not import Numba: who wants the news may never
need a kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_waiting: list[Callable[[], None]] = []


@contextmanager
def compilation_told(tell: Callable[[], None]) -> Iterator[None]:
    """Call `tell` as soon as a kernel is compiled within the block; once, on whichever thread."""
    _waiting.append(tell)
    try:
        yield
    finally:
        if tell in _waiting:
            _waiting.remove(tell)


def listen() -> None:
    """Have Numba report what it compiles; for `lplrcli.kernels.jit`, which loads it."""
    from numba.core import event

    class Listener(event.Listener):
        def on_start(self, event: Any) -> None:
            # Kernels of other packages are not ours to speak of.
            ours = event.data["dispatcher"].py_func.__module__.startswith("lplrcli.")
            while ours and _waiting:
                _waiting.pop()()

        def on_end(self, event: Any) -> None:
            pass

    event.register("numba:compile", Listener())  # type: ignore[no-untyped-call]
