"""What tests of the pipeline share: matrices surveyed for a target, and passes counted."""

from __future__ import annotations

import pytest

from lplrcli.io import open_array
from lplrcli.io.sources.local_source import LocalSource
from lplrcli.model.request import CompressionRequest
from lplrcli.pipeline.compress import passes_over, surveyed
from lplrcli.pipeline.first_plan import first_plan


@pytest.fixture
def predictor_of():
    """Survey a matrix for a target: a function of the matrix and the options of the request."""

    def made(matrix, threads=1, name=None, **asked):
        source = open_array(matrix, threads=threads)
        plan = first_plan(CompressionRequest(**asked), source.shape, source.dtype)
        return surveyed(passes_over(source, plan, threads), plan, threads, name)

    return made


@pytest.fixture
def visits(monkeypatch):
    """Shapes of the matrices that sources are asked for the blocks of, one for every pass."""
    found = []
    map_blocks = LocalSource.map_blocks

    def counted(source, task, beside=None):
        found.append(source.shape)
        return map_blocks(source, task, beside)

    monkeypatch.setattr(LocalSource, "map_blocks", counted)
    return found
