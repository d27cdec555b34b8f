"""Every file that ARCHITECTURE.md and CONTRIBUTING.md name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "lplrcli"
PAGES = ("ARCHITECTURE.md", "CONTRIBUTING.md")

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
    assert {name for name in names(page) if not exists(name)} == set()


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
