"""Loading the kernels: they are there afterwards, and found in the cache the next time."""

from __future__ import annotations

import os
import subprocess
import sys

LOADED = """
import sys
from lplrcli.kernels.loading import load_kernels
load_kernels()
from lplrcli.kernels.statistics import sum_of_squares
assert sum_of_squares.signatures
hits = sum(sum_of_squares.stats.cache_hits.values())
assert bool(hits) == (sys.argv[1] == "before"), hits
"""


def test_kernels_are_loaded_and_kept(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    environment.pop("NUMBA_DISABLE_JIT", None)
    for when in ("never", "before"):
        command = [sys.executable, "-W", "error", "-c", LOADED, when]
        subprocess.run(command, check=True, env=environment)
