"""The decorators of kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit

from lplrcli.kernels.cache import keep_machine_code
from lplrcli.kernels.compilation import listen

listen()  # costs nothing where nothing waits for the news

Decorator = Callable[[Callable[..., Any]], Any]


def _kept(**options: Any) -> Decorator:
    """Make a decorator that compiles at the first call, and keeps what it compiled on disk."""

    def decorate(function: Callable[..., Any]) -> Any:
        compiled: Any = njit(nogil=True, **options)(function)
        if compiled is not function:  # NUMBA_DISABLE_JIT leaves it as it is
            keep_machine_code(compiled)
        return compiled

    return decorate


kernel: Decorator = _kept()
"""Decorator of every kernel whose result must not depend on the machine."""

summing_kernel: Decorator = _kept(fastmath={"reassoc", "contract"})
"""Decorator of kernels that add up: reassociation lets the compiler keep partial sums in vector
registers; NaN and infinity still propagate."""
