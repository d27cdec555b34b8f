"""Inputs that crashed once: seeds of every harness, and what the fuzzers have found since."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from run import HARNESSES

HERE = Path(__file__).parent
FOUND = sorted((HERE / "regressions").iterdir())


@pytest.mark.parametrize("name", HARNESSES)
def test_the_harness_takes_its_seeds(name):
    harness = importlib.import_module(name)
    seeds = list(harness.seeds())
    assert len(seeds) >= 10
    for data in seeds:
        harness.one_input(data)
        harness.one_input(data[: len(data) // 2])


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.name)
def test_what_crashed_once_does_no_more(path):
    name = next(name for name in HARNESSES if path.name.startswith(name))
    importlib.import_module(name).one_input(path.read_bytes())
