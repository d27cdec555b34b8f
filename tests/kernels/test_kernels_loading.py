"""Loading the kernels: SciPy stays out, and compiling goes on after its pages are given back."""

from __future__ import annotations

import os
import subprocess
import sys

from lplrcli.kernels import loading

LOADED = """
import sys
import numpy as np
from lplrcli.kernels.loading import load_kernels
load_kernels()
assert "numba" in sys.modules and "scipy" not in sys.modules
from lplrcli.kernels.statistics import sum_of_squares
assert sum_of_squares(np.full(3, 2.0, np.float32)) == 12  # machine code that is there
assert sum_of_squares(np.full(3, 2, np.int8)) == 12  # for a type that it must be compiled for
import scipy.linalg
"""


def test_a_process_loads_kernels_and_not_scipy(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    environment.pop("NUMBA_DISABLE_JIT", None)
    subprocess.run([sys.executable, "-W", "error", "-c", LOADED], check=True, env=environment)


def test_scipy_is_hidden_only_where_it_is_not_loaded_and_only_meanwhile(monkeypatch):
    loaded = object()
    monkeypatch.setitem(sys.modules, "scipy", loaded)
    with loading._without_scipy():
        assert sys.modules["scipy"] is loaded
    monkeypatch.delitem(sys.modules, "scipy")
    with loading._without_scipy():
        assert sys.modules["scipy"] is None
    assert "scipy" not in sys.modules
