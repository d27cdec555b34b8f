"""Least memory for compressing: what is refused, and that scratch files change nothing."""

from __future__ import annotations

import io
from typing import Any

import matrices
import numpy as np
import pytest

import lplrcli
from lplrcli.container.writer import write_container
from lplrcli.errors import MemoryLimitError
from lplrcli.runtime import workspace as workspace_module


def file_of(compressed: lplrcli.CompressedMatrix) -> bytes:
    stream = io.BytesIO()
    write_container(stream, [compressed.factorization])
    return stream.getvalue()


TARGETS: list[dict[str, Any]] = [
    {"rank": 5, "bits": 3},
    {"rank": 5, "bits": 3, "method": "lplr"},
    {"bits": 2, "method": "nq"},
    {"rel_error": 0.2},
    {"bpc": 3.0, "mode": "factors+residual"},
    {"bpc": 2.0, "mode": "direct"},
]


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_scratch_changes_no_byte(target: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = matrices.low_rank(300, 40, 6, noise=0.1)
    expected = file_of(lplrcli.compress(matrix, **target))
    monkeypatch.setattr(workspace_module, "_MEMORY_PARTS", 10**12)
    asked: list[tuple[int, ...]] = []
    scratch = workspace_module.Workspace.scratch
    monkeypatch.setattr(
        workspace_module.Workspace,
        "scratch",
        lambda self, shape, dtype: asked.append(shape) or scratch(self, shape, dtype),
    )
    found = lplrcli.compress(matrix, **target)
    assert asked, "nothing lay in scratch"
    assert file_of(found) == expected
    restored = found[...]
    assert np.linalg.norm(restored - matrix) == pytest.approx(
        found.report.relative_frobenius_error * np.linalg.norm(matrix), rel=1e-3
    )


@pytest.mark.parametrize(
    "target",
    [{"rank": 5}, {"rank": 5, "method": "lsvd"}, {"rel_error": 0.1}, {"bpc": 1, "mode": "direct"}],
    ids=str,
)
def test_a_limit_that_is_too_low_is_refused_before_anything_is_read(
    target: dict[str, Any],
) -> None:
    class Unread:
        shape, dtype = (100, 50), np.dtype(np.float32)

        def __getitem__(self, _: object) -> np.ndarray:
            raise AssertionError("read")

    with pytest.raises(MemoryLimitError, match="memory limit is too low") as refused:
        lplrcli.compress(Unread(), **target, memory_limit=1_000_000)
    assert refused.value.found == "1 MB"
    least = int(str(refused.value.expected).split()[2])
    assert least > 50
    lplrcli.compress(
        matrices.low_rank(100, 50, 6, noise=0.1), **target, memory_limit=2 * least * 10**6
    )


def test_wider_matrices_need_more() -> None:
    def least(columns: int, **target: Any) -> int:
        with pytest.raises(MemoryLimitError) as refused:
            wide = np.broadcast_to(np.float32(0), (10_000, columns))
            lplrcli.compress(wide, **target, memory_limit=1)
        return int(str(refused.value.expected).split()[2])

    assert least(100_000, rank=64) > 300 + least(10_000, rank=64)
    assert least(100_000, bpc=1) > least(100_000, bpc=1, mode="factors")
    assert least(1000, rank=8, method="dsvd") > 400 + least(1000, rank=8, method="lplr")
