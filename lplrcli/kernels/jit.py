"""The decorators of kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit

from lplrcli.kernels.compilation import listen

listen()  # costs nothing where nothing waits for the news

Decorator = Callable[[Callable[..., Any]], Any]

kernel: Decorator = njit(cache=True, nogil=True)
"""Decorator of every kernel whose result must not depend on the machine."""

summing_kernel: Decorator = njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
"""Decorator of kernels that add up: reassociation lets the compiler keep partial sums in vector
registers; NaN and infinity still propagate."""
