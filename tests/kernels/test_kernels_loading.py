"""Loading the kernels: they are there afterwards, and found in the cache the next time."""

from __future__ import annotations

import os
import subprocess
import sys

LOADED = """
import sys
from lplrcli.kernels.loading import compiled_before, load_kernels
assert compiled_before() == (sys.argv[1] == "before")
load_kernels()
assert compiled_before()
from lplrcli.kernels.statistics import sum_of_squares
assert sum_of_squares.signatures
"""

NOWHERE = """
from lplrcli.kernels import loading
from lplrcli.kernels.statistics import sum_of_squares
from numba.core.caching import NullCache
sum_of_squares._cache = NullCache()
assert not loading.compiled_before()
loading.load_kernels()
assert not loading.compiled_before()
"""


def test_kernels_are_loaded_and_kept(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    environment.pop("NUMBA_DISABLE_JIT", None)
    for when in ("never", "before"):
        command = [sys.executable, "-W", "error", "-c", LOADED, when]
        subprocess.run(command, check=True, env=environment)


def test_what_cannot_be_kept_was_never_compiled_before():
    environment = dict(os.environ)
    environment.pop("NUMBA_DISABLE_JIT", None)
    subprocess.run([sys.executable, "-W", "error", "-c", NOWHERE], check=True, env=environment)
