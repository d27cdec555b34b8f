"""Golden files of format 1.0 stay as they are: the list of their hashes, and of their history."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
FOLDER = PROJECT / "testdata" / "golden" / "1.0"
CHECK = PROJECT / ".ci" / "golden"


def test_every_file_is_listed_and_has_its_hash():
    lines = (FOLDER / "SHA256SUMS").read_text().splitlines()
    listed = dict(reversed(line.split("  ")) for line in lines)
    assert len(listed) == len(lines)
    files = {path.name: path for path in FOLDER.iterdir() if path.name != "SHA256SUMS"}
    found = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    assert found == listed


def test_golden_files_are_small():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 420_000


def git(folder, *arguments):
    name = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for role in ("AUTHOR", "COMMITTER"):
        name |= {f"GIT_{role}_NAME": "a", f"GIT_{role}_EMAIL": "a@example.org"}
    subprocess.run(["git", *arguments], cwd=folder, check=True, env=os.environ | name,
                   capture_output=True)  # fmt: skip


def add(folder, **files):
    """Write golden files and their lines, and commit them."""
    golden = folder / "testdata" / "golden" / "1.0"
    golden.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (golden / name).write_text(content)
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(golden.iterdir()) if path.name != "SHA256SUMS"
    ]  # fmt: skip
    (golden / "SHA256SUMS").write_text("".join(lines))
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", "files")


def run(folder):
    return subprocess.run([folder / ".ci" / "golden"], capture_output=True, text=True)


@pytest.fixture
def history(tmp_path):
    """A repository of two commits, each of which brought a golden file."""
    if not CHECK.exists() or shutil.which("git") is None:
        pytest.skip("no git, or no sources of the project")
    folder = tmp_path / "project"
    (folder / ".ci").mkdir(parents=True)
    shutil.copy(CHECK, folder / ".ci")
    git(tmp_path, "init", "-q", "-b", "main", "project")
    add(folder, one="1")
    add(folder, two="2")
    return folder


def test_a_history_that_only_adds_passes(history, tmp_path):
    found = run(history)
    assert (found.returncode, found.stderr) == (0, "")
    assert "as they always were" in found.stdout
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{history}", "shallow")
    found = run(tmp_path / "shallow")
    assert found.returncode == 0 and "not looked at" in found.stdout
    (tmp_path / "shallow" / "testdata" / "golden" / "1.0" / "one").write_text("x")
    assert run(tmp_path / "shallow").returncode == 1


def test_a_file_that_a_commit_changed_is_refused_even_if_it_was_put_back(history):
    add(history, one="x")
    assert "changed or removed by a commit" in run(history).stderr
    add(history, one="1")
    found = run(history)
    assert found.returncode == 1 and "1.0/one" in found.stderr


def test_a_file_that_was_renamed_is_refused(history):
    golden = history / "testdata" / "golden" / "1.0"
    (golden / "one").rename(golden / "three")
    add(history)
    found = run(history)
    assert found.returncode == 1 and "1.0/one" in found.stderr


def test_files_that_are_not_as_listed_are_refused(history):
    golden = history / "testdata" / "golden" / "1.0"
    (golden / "stray").write_text("x")
    assert "not listed" in run(history).stderr
    (golden / "stray").unlink()
    lines = (golden / "SHA256SUMS").read_text()
    (golden / "one").unlink()
    assert run(history).returncode == 1
    (golden / "SHA256SUMS").write_text(lines.splitlines(keepends=True)[1])
    assert "and no more or otherwise" in run(history).stderr
