"""Machine code on disk: a command works, and is right, whatever the cache is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from lplr_command import ROOT

from lplrcli.kernels.cache import _CheckedFiles

MODULE = """
from lplrcli.kernels.jit import kernel

@kernel
def twice(value):
    return 2 * value
"""

CALL = """
from mine import twice
assert twice(4) == 8 and twice(0.5) == 1.0
print(sum(twice.stats.cache_hits.values()))
"""

FULL_DISK = """
import errno, os
from numba.core.caching import IndexDataCacheFile

def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

IndexDataCacheFile._save_data = full
"""


@pytest.fixture
def place(tmp_path):
    """A folder with the module ``mine``, beside which nothing can be kept."""
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "mine.py").write_text(MODULE)
    (folder / "__pycache__").write_text("a file, so no folder")
    return folder


def call(place, script=CALL, **variables):
    """Call the kernel in a process of its own: how many types were in the cache, and notes."""
    environment = {name: value for name, value in os.environ.items() if "CACHE" not in name}
    environment.pop("NUMBA_DISABLE_JIT", None)
    environment |= {"PYTHONPATH": os.pathsep.join((str(place), str(ROOT)))}
    environment |= {name: str(value) for name, value in variables.items()}
    command = [sys.executable, "-W", "error", "-B", "-c", script]
    done = subprocess.run(
        command, env=environment, cwd=place, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout), done.stderr


def test_what_was_compiled_is_found_again(place, tmp_path):
    assert call(place, NUMBA_CACHE_DIR=tmp_path / "kept") == (0, "")
    assert call(place, NUMBA_CACHE_DIR=tmp_path / "kept") == (2, "")


def test_without_a_folder_kernels_are_compiled_for_one_run(place):
    nowhere = place / "__pycache__" / "x"
    before = sorted(place.iterdir())
    for _ in range(2):
        hits, notes = call(place, HOME=nowhere, XDG_CACHE_HOME=nowhere, NUMBA_CACHE_DIR=nowhere)
        assert hits == 0
        assert len(notes.splitlines()) == 1
        assert "for this run alone" in notes and "NUMBA_CACHE_DIR" in notes
    assert sorted(place.iterdir()) == before


def test_a_user_without_a_home_gets_no_folder_of_that_name(place):
    hits, notes = call(place, XDG_CACHE_HOME="~/.cache")  # as Numba has it where there is no home
    assert hits == 0
    assert "for this run alone" in notes
    assert not (place / "~").exists()


def test_a_full_disk_is_no_error(place, tmp_path):
    hits, notes = call(place, FULL_DISK + CALL, NUMBA_CACHE_DIR=tmp_path / "kept")
    assert hits == 0
    assert "No space left on device" in notes and "for this run alone" in notes
    assert call(place, NUMBA_CACHE_DIR=tmp_path / "kept") == (0, "")
    assert call(place, NUMBA_CACHE_DIR=tmp_path / "kept") == (2, "")


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


DAMAGE = {
    "index_empty": (".nbi", lambda content: b""),
    "index_cut": (".nbi", lambda content: content[: len(content) // 2]),
    "index_zeros": (".nbi", lambda content: bytes(len(content))),
    "code_empty": (".nbc", lambda content: b""),
    "code_cut": (".nbc", lambda content: content[: len(content) // 2]),
    "code_zeros": (".nbc", lambda content: bytes(len(content))),
    "code_flipped": (".nbc", flipped),
}


def test_what_is_damaged_is_replaced(place, tmp_path):
    kept, count = tmp_path / "kept", len(DAMAGE)
    (place / "mine.py").write_text(
        MODULE.replace("twice", "whole")
        + "".join(f"\n@kernel\ndef {name}(value):\n    return 2 * value\n" for name in DAMAGE)
    )
    script = (
        f"import mine\nkernels = [getattr(mine, name) for name in {[*DAMAGE, 'whole']}]\n"
        "assert all(each(4) == 8 for each in kernels)\n"
        "print(sum(sum(each.stats.cache_hits.values()) for each in kernels))\n"
    )
    assert call(place, script, NUMBA_CACHE_DIR=kept) == (0, "")
    for name, (suffix, spoil) in DAMAGE.items():
        (path,) = kept.rglob(f"mine.{name}-*{suffix}")
        path.write_bytes(spoil(path.read_bytes()))
    hits, notes = call(place, script, NUMBA_CACHE_DIR=kept)
    assert hits == 1
    assert re.fullmatch(r"lplr: .*kept.* is damaged: it is compiled again and replaced\n", notes)
    assert call(place, script, NUMBA_CACHE_DIR=kept) == (count + 1, "")


def test_machine_code_is_for_the_types_that_it_was_kept_for(tmp_path: Path):
    files = _CheckedFiles(str(tmp_path), "f", "stamp")
    files.save("int64", "machine code")
    assert files.load("int64") == "machine code"
    # As it is where the disk was full when the data of another type should have been written.
    files._save_index({"float64": files._data_name(1)})
    assert files.load("float64") is None
