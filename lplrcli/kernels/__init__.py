"""The Numba kernels: inner loops over single entries, and nothing else.

Every kernel releases the interpreter lock and works on one chunk or one block of rows; the
caller's threads run many at a time. So the same bytes come out for any number of threads, and no
second thread pool competes with the first. Machine code is cached on disk at the first call.
Each kernel's slow twin is in tests/naive.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit

kernel: Callable[[Callable[..., Any]], Any] = njit(cache=True, nogil=True)
"""Decorator of every kernel."""
