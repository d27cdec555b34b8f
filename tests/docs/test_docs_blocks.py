"""What README and the manual show of the command and of Python is what happens."""

from __future__ import annotations

import pytest
from console import ROOT, blocks, differences, run_command, run_script

from lplrcli import CompressedMatrix

PAGES = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if any(block.kind in ("console", "python") for block in blocks(page))
]


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_blocks_of_a_page_do_what_it_shows(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "testdata").symlink_to(ROOT / "testdata")
    names = {"__name__": "__page__"}
    try:
        for block in blocks(page):
            if block.kind == "python":
                run_script(block.text, names)
            for command, shown in block.commands() if block.kind == "console" else ():
                wrong = differences(shown, run_command(command))
                assert wrong is None, f"$ {command}\n{wrong}"
    finally:
        for value in names.values():  # pages leave files open, as short scripts do
            if isinstance(value, CompressedMatrix):
                value.close()
