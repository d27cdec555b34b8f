"""This process as the worker of a cluster that is not there."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

ADDRESS = "tcp://nowhere:1"


@pytest.fixture
def here_is_a_worker(monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(distributed, "get_worker", lambda: SimpleNamespace(address=ADDRESS))
    return ADDRESS
