from __future__ import annotations

import gc
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.errors import OutputError
from lplrcli.runtime import workspace as workspace_module
from lplrcli.runtime.available_memory import resident_memory
from lplrcli.runtime.workspace import KeptArrays, KeptBytes, Workspace, limited_memory, workspace

MB = 10**6


def is_mapped(array: np.ndarray) -> bool:
    while isinstance(array, np.ndarray) and array.base is not None:
        array = array.base
    return not isinstance(array, np.ndarray)


def test_small_arrays_lie_in_memory_and_large_ones_in_a_scratch_file() -> None:
    with limited_memory(64 * MB) as here:
        assert workspace() is here
        assert not is_mapped(here.empty((here.share // 8,), np.float64))
        large = here.empty((3, here.share // 8), np.float64)
        assert is_mapped(large)
        large[...] = np.arange(large.size).reshape(large.shape)
    assert workspace() is not here
    assert large[2, 5] == 2 * large.shape[1] + 5, "an array outlives its workspace"


def test_the_inner_limit_holds_and_the_outer_comes_back() -> None:
    with limited_memory(64 * MB) as outer:
        with limited_memory(32 * MB) as inner:
            assert workspace() is inner
        assert workspace() is outer


def test_scratch_files_have_no_names_and_end_with_their_arrays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    handles = Path("/proc/self/fd")

    def opened() -> int:
        found = 0
        for number in range(64):
            with suppress(OSError):
                found += str(tmp_path) in str((handles / str(number)).readlink())
        return found

    with limited_memory(64 * MB) as here:
        array = here.empty((4 * MB,), np.float64)
        array[:] = 1.0
        assert list(tmp_path.iterdir()) == []
        if handles.is_dir():
            assert opened() == 1
    del array
    gc.collect()
    if handles.is_dir():
        assert opened() == 0


def test_pages_are_dropped_near_the_limit_and_nothing_is_lost() -> None:
    limit = resident_memory() + 60 * MB
    with limited_memory(limit) as here:
        array = here.empty((40, 10 * MB // 8), np.float64)
        for number, row in enumerate(array):
            row[:] = number
            time.sleep(0.02)
        deadline = time.monotonic() + 5
        while resident_memory() > limit and time.monotonic() < deadline:
            time.sleep(0.02)
        assert resident_memory() < limit
        assert all((row == number).all() for number, row in enumerate(array))


def test_without_room_for_scratch_nothing_crashes(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with (
        limited_memory(64 * MB) as here,
        pytest.raises(OutputError, match=r"scratch space.*No space left") as refused,
    ):
        here.empty((4 * MB,), np.float64)
    assert "TMPDIR" in str(refused.value)


def test_space_is_reserved_where_the_system_does_not_do_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "posix_fallocate")
    monkeypatch.setattr(workspace_module, "_WRITTEN_AT_ONCE", 1000)
    with tempfile.TemporaryFile() as file:
        workspace_module._reserve(file, 2500)
        assert os.fstat(file.fileno()).st_size == 2500
    with limited_memory(64 * MB) as here:
        array = here.empty((4 * MB,), np.float64)
        assert is_mapped(array)
        array[-1] = 1.0


def test_nothing_is_dropped_where_the_system_takes_no_advice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workspace_module, "pages_can_be_dropped", lambda: False)
    with limited_memory(64 * MB) as here:
        here.empty((4 * MB,), np.float64)
        assert here._pager is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from([np.int32, np.float32, np.uint8]),
            st.integers(0, 9),
            st.sampled_from([1, 100, 10**4, 10**9]),
        ),
        max_size=12,
    ),
    st.integers(32, 4000),
)
def test_kept_arrays_are_those_that_were_given(
    kinds: list[tuple[type, int, int]], limit: int
) -> None:
    rng = np.random.default_rng(0)
    given_arrays = [
        (rng.uniform(-1, 1, (2, size)) * (scale if kind is not np.uint8 else 1)).astype(kind)
        for kind, size, scale in kinds
    ]
    with limited_memory(limit):
        kept = KeptArrays(given_arrays)
        strings = KeptBytes(array.tobytes() for array in given_arrays)
    assert len(kept) == len(given_arrays)
    for one, other in zip(given_arrays, kept, strict=True):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)
    for part in (slice(None, None, 2), slice(1, 3), slice(None, None, -1)):
        found, expected = kept[part], given_arrays[part]
        assert [x.tolist() for x in found] == [x.tolist() for x in expected]
        assert list(strings[part]) == [x.tobytes() for x in expected]
        assert len(found[1:]) == len(expected[1:])
    assert strings == [x.tobytes() for x in given_arrays]
    assert strings != [*strings, b""]
    assert strings.lengths == [array.nbytes for array in given_arrays]


def test_codes_in_scratch_take_the_bytes_they_need() -> None:
    with limited_memory(32) as here:
        kept = KeptArrays([np.arange(-100, 100, dtype=np.int32)] * 2)
    assert isinstance(here, Workspace)
    assert kept._arrays[0].dtype == np.int8
    assert kept[0].dtype == np.int32
