"""Every file that ARCHITECTURE.md and CONTRIBUTING.md name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "lplrcli"
PAGES = ("ARCHITECTURE.md", "CONTRIBUTING.md")

NOT_YET = {
    "benchmarks/same_bytes.py",
    "docs/targets.md",
    "lplrcli/planning/normal_rates.py",
    "linalg/adjustment.py",
    "model/goals.py",
    "model/request.py",
    "pipeline/decode/entry_types.py",
    "pipeline/decode/memory_needs.py",
    "pipeline/encode/coefficient_coder.py",
    "pipeline/encode/factorization.py",
    "pipeline/encode/fixed_width.py",
    "pipeline/engines/error_target.py",
    "pipeline/engines/pointwise_target.py",
    "pipeline/engines/size_target.py",
    "pipeline/predict/choice_of_means.py",
    "pipeline/predict/predictions.py",
    "size_target.py",
}
"""Files that the pages name and that are still to come: to be emptied."""

NAME = re.compile(r"(?<!`)`([\w./-]+)`(?!`)")
ROOM = re.compile(r"\| `([\w/]+/)` \|")


def text_of(page):
    return (ROOT / page).read_text(encoding="utf-8")


def names(page):
    """Everything in backquotes that looks like a file or a folder; ``<name>`` stands for any.

    A line of a table that begins with a folder names files of that folder.
    """
    for line in text_of(page).splitlines():
        room = ROOM.match(line)
        for name in NAME.findall(line):
            if "/" in name:
                yield name
            elif name.endswith((".py", ".md", ".toml")):
                yield room[1] + name if room else name


def exists(name):
    """Whether a path of the repository or of the package is there, or any file of a bare name."""
    if (ROOT / name).exists() or (PACKAGE / name).exists():
        return True
    return "/" not in name and any(PACKAGE.rglob(name))


@pytest.mark.parametrize("page", PAGES)
def test_files_that_are_named_exist(page):
    missing = {name for name in names(page) if not exists(name)}
    assert missing - NOT_YET - {f"lplrcli/{name}" for name in NOT_YET} == set()


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)\)", text_of(page))
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_every_package_and_room_is_on_the_map():
    text = text_of("ARCHITECTURE.md")
    packages = [path.parent.name for path in PACKAGE.glob("*/__init__.py")]
    rooms = [path.parent.relative_to(PACKAGE) for path in PACKAGE.glob("*/*/__init__.py")]
    assert [name for name in packages if not re.search(rf"^.*\b{name}\b", text, re.MULTILINE)] == []
    assert [room for room in rooms if f"| `{room}/` |" not in text] == []
