from __future__ import annotations

import mmap
from pathlib import Path

import psutil
import pytest

from lplrcli.runtime import available_memory


def test_the_default_is_part_of_what_is_free() -> None:
    free = psutil.virtual_memory().available
    resident = available_memory.resident_memory()
    assert resident < available_memory.default_limit() < resident + free


@pytest.mark.parametrize(
    ("groups", "files"),
    [
        (
            "0::/job/step",
            {"job/memory.max": "500000000", "job/memory.current": "100000000"},
        ),
        (
            "5:cpu:/\n4:memory,pids:/job",
            {
                "memory/job/memory.limit_in_bytes": "500000000",
                "memory/job/memory.usage_in_bytes": "100000000",
            },
        ),
        (
            "0::/",
            {"memory.max": "500000000", "memory.current": "100000000"},
        ),
    ],
)
def test_a_control_group_bounds_it(
    groups: str, files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cgroup").write_text(groups + "\n")
    for name, text in files.items():
        path = tmp_path / "fs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    monkeypatch.setattr(available_memory, "_CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(available_memory, "_CONTROLLERS", tmp_path / "fs")
    monkeypatch.setattr(available_memory, "resident_memory", lambda: 0)
    assert available_memory.default_limit() == 300_000_000


def test_elsewhere_psutil_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = available_memory.resident_memory(), available_memory._available()
    monkeypatch.setattr(available_memory, "_STATUS", tmp_path / "none")
    monkeypatch.setattr(available_memory, "_MACHINE", tmp_path / "none")
    found = available_memory.resident_memory(), available_memory._available()
    assert found == pytest.approx(here, rel=0.2)


def test_pages_are_dropped_where_the_system_takes_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mmap, "MADV_DONTNEED", 4, raising=False)
    assert available_memory.pages_can_be_dropped() == hasattr(mmap.mmap, "madvise")
    monkeypatch.delattr(mmap, "MADV_DONTNEED")
    assert not available_memory.pages_can_be_dropped()


def test_a_group_without_a_limit_bounds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cgroup").write_text("0::/job\n")
    (tmp_path / "fs/job").mkdir(parents=True)
    (tmp_path / "fs/job/memory.max").write_text("max\n")
    (tmp_path / "fs/job/memory.current").write_text("1000\n")
    monkeypatch.setattr(available_memory, "_CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(available_memory, "_CONTROLLERS", tmp_path / "fs")
    assert available_memory.default_limit() > available_memory.resident_memory() + 1000
