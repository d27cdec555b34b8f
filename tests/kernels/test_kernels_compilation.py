"""News of compilation: told once, when it begins, and never in vain."""

from __future__ import annotations

import os
import subprocess
import sys

from lplrcli.kernels.compilation import _waiting, compilation_told

SCRIPT = """
import sys
import numpy as np
from numba import njit
from lplrcli.kernels.compilation import compilation_told

told = []
with compilation_told(lambda: told.append(True)):
    assert "lplrcli.kernels.jit" not in sys.modules  # to be told costs no import
    from lplrcli.kernels.statistics import sum_of_squares
    assert njit(lambda x: x + 1)(1) == 2  # another package's
    assert not told
    sum_of_squares(np.zeros(3, np.float32))
    first = list(told)
    sum_of_squares(np.zeros(3))
assert told == first
sum_of_squares(np.zeros(3, np.int8))
assert told == first
print(len(first))
"""


def test_it_is_told_once_and_not_when_machine_code_is_loaded(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    environment.pop("NUMBA_DISABLE_JIT", None)
    counts = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, check=True
        ).stdout.strip()
        for _ in range(2)
    ]
    assert counts == [b"1", b"0"]


def test_nothing_is_told_after_the_block():
    before = list(_waiting)
    with compilation_told(lambda: None):
        assert len(_waiting) == len(before) + 1
    assert _waiting == before
