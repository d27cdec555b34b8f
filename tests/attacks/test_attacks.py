"""Hostile files: refused in a line or two by every command that would use them, nothing written.

How long they take and how much memory is the affair of benchmarks/attacks.py; here what is
allocated is bounded, which does not depend on the machine.
"""

from __future__ import annotations

import re
import sys
import tracemalloc
from pathlib import Path

import lplr_attacks
import pytest
from attacks import ATTACKS
from foreign_attacks import MARK

sys.path.insert(0, str(Path(__file__).parent.parent / "cli"))
from lplr_command import lplr

MOST_ALLOCATED = 100 << 20
OPTIONS = {"compress": ("-r", "1", "-b", "2"), "decompress": ("--max-output", "10000")}
CASES = [
    pytest.param(attack, command, id=f"{attack.name}-{command}")
    for attack in ATTACKS
    for command in (*attack.refused, *attack.taken)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The attacks, made once."""
    folder = tmp_path_factory.mktemp("attacks")
    for attack in ATTACKS:
        (folder / attack.name).write_bytes(attack.make())
    return folder


@pytest.mark.parametrize(("attack", "command"), CASES)
def test_an_attack_is_refused(attack, command, folder, monkeypatch):
    monkeypatch.chdir(folder)
    before = sorted(folder.iterdir())
    tracemalloc.start()
    try:
        result = lplr(command, attack.name, *OPTIONS.get(command, ()))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST_ALLOCATED
    shown = result.text + result.err
    assert shown.replace("\n", "").isprintable()
    assert not MARK.exists()
    if command in attack.taken:
        assert result.code == 0, shown
        (folder / attack.name).with_suffix(".npy").unlink(missing_ok=True)
        assert sorted(folder.iterdir()) == before
        return
    code, words = attack.refused[command]
    assert result.code == code, shown
    assert result.err.startswith(("lplr: ", attack.name)) or command == "verify", shown
    assert Path(attack.name).stem in shown
    assert re.search(words, shown), shown
    assert len(result.err.splitlines()) <= 2
    assert "Traceback" not in shown and "internal error" not in shown
    assert sorted(folder.iterdir()) == before
