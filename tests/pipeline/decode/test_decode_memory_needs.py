"""Memory that decoding and verifying need at least."""

from __future__ import annotations

import matrices
import pytest

import lplrcli
from lplrcli.errors import MemoryLimitError
from lplrcli.io import open_array
from lplrcli.pipeline.measure.error import assess
from lplrcli.runtime.workspace import limited_memory


def test_decoding_is_refused_too() -> None:
    matrix = matrices.low_rank(100, 50, 6, noise=0.1)
    compressed = lplrcli.compress(matrix, rank=5)
    with (
        limited_memory(1_000_000),
        pytest.raises(MemoryLimitError, match="memory limit"),
        open_array(matrix) as source,
    ):
        assess(source, compressed.factorization, 1)
