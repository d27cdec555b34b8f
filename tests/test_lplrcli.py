"""The package as it is imported: public names, loaded when they are first used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import lplrcli
from lplrcli.model.version import __version__

SLOW = ("numpy", "numba", "h5py", "lplrcli.api", "lplrcli.errors")


def test_public_names_are_there():
    for name in lplrcli.__all__:
        assert getattr(lplrcli, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        lplrcli.nonsense  # noqa: B018


def test_public_names_are_those_of_the_api():
    import lplrcli.api

    functions = set(lplrcli.__all__) - {"__version__", "errors"}
    assert functions == set(lplrcli.api.__all__)
    for name in functions:
        assert getattr(lplrcli, name) is getattr(lplrcli.api, name)
    assert lplrcli.__version__ == __version__


def test_nothing_is_loaded_before_it_is_used():
    code = f"import lplrcli, sys; lplrcli.__version__; print(*set({SLOW!r}) & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_public_names_are_listed_before_they_are_used():
    code = "import lplrcli, sys; print(*dir(lplrcli)); assert 'numpy' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(lplrcli.__all__) <= set(done.stdout.split())
    assert "TYPE_CHECKING" not in done.stdout
    assert set(lplrcli.__all__) <= set(dir(lplrcli))
