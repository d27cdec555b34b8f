"""Settings of all tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import settings

# No test is timed: other work may have the processors.
settings.register_profile("default", deadline=None)
settings.load_profile("default")
# Where a change is checked, the examples are the same every time; so many are enough then.
settings.register_profile("ci", settings.get_profile("ci"), max_examples=20)
# Kernels as plain Python, which shows what of them is tested, take a thousand times as long.
settings.register_profile("uncompiled", settings.get_profile("ci"), max_examples=4)
if os.environ.get("NUMBA_DISABLE_JIT"):
    settings.load_profile("uncompiled")
elif os.environ.get("CI"):
    settings.load_profile("ci")

# A shell has what it runs in the background ignore some signals, and a command that is started so
# goes on ignoring them. Tests that send signals start commands as a terminal does.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
for _number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, signal.SIG_DFL)

if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers keep all processors busy: threads of BLAS would only wait for each other, and that
    # costs as much time again. NumPy is not loaded yet.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@contextmanager
def _eight_states() -> Iterator[None]:
    from lplrcli.pipeline.engines import codings

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codings, "_STATE_BITS", ((2**63, 3),))
        yield


@pytest.fixture
def few_states() -> Iterator[None]:
    """A trellis as for the largest matrices: what does not depend on it is tested faster so."""
    with _eight_states():
        yield


@pytest.fixture(scope="module")
def few_states_throughout() -> Iterator[None]:
    """Likewise for a whole file of tests."""
    with _eight_states():
        yield
