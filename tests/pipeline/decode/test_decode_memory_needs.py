"""Memory that decoding and verifying need at least."""

from __future__ import annotations

from dataclasses import replace

import matrices
import pytest
from lplr_samples import factorization

import lplrcli
from lplrcli.errors import MemoryLimitError
from lplrcli.io import open_array
from lplrcli.pipeline.decode.memory_needs import require_for_decoding, require_for_verifying
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


@pytest.mark.parametrize("required", [require_for_decoding, require_for_verifying])
def test_wider_matrices_and_longer_chunks_need_more(required):
    def least(shape, chunk, threads=1):
        sample = factorization(shape, (4, 4))
        sides = {name: replace(part, chunk_length=chunk) for name, part in sample.parts.items()}
        with limited_memory(1), pytest.raises(MemoryLimitError) as refused:
            required(replace(sample, **sides), threads, "a.lplr")
        assert "a.lplr" in str(refused.value)
        return int(str(refused.value.expected).split()[2])

    small = least((64, 10), 64)
    assert least((2**20, 10), 2**20) > small + 5
    if required is require_for_decoding:
        assert least((64, 10), 64, threads=9) > small + 50


@pytest.mark.parametrize("required", [require_for_decoding, require_for_verifying])
def test_what_is_allowed_is_not_refused(required):
    required(factorization((64, 10), (4, 4)), 1, None)
