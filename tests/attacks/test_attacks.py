"""Hostile files: refused in a line or two by every command that would use them, nothing written.

How long they take and how much memory is the affair of benchmarks/attacks.py; here what is
allocated is bounded, which does not depend on the machine.
"""

from __future__ import annotations

import re
import tracemalloc
from pathlib import Path

import pytest
from attacks import ATTACKS, MEMORY
from foreign_attacks import MARK
from lplr_command import lplr

MOST_ALLOCATED = 50 << 20
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
    result = lplr(command, attack.name, *OPTIONS.get(command, ()))
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
    assert len(result.err.splitlines()) <= 2 or command == "verify"  # which tells all faults
    assert "Traceback" not in shown and "internal error" not in shown
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("name", MEMORY)
def test_an_attack_on_memory_gets_little(name, folder, monkeypatch):
    (attack,) = (attack for attack in ATTACKS if attack.name == name)
    monkeypatch.chdir(folder)
    command = next(each for each in attack.refused if each != "verify")
    arguments = command, attack.name, *OPTIONS.get(command, ())
    lplr(*arguments)  # what is imported on the way is not what the file allocates
    tracemalloc.start()
    try:
        result = lplr(*arguments)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert result.code == attack.refused[command][0]
    assert peak < MOST_ALLOCATED
