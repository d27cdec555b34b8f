"""Put what commands print today into the pages that show it.

Usage: python tests/docs/renew_blocks.py PAGE...

Runs the blocks of each page as the tests do, and writes the page again with their output. What is
shown in part, with three dots, stays; that is for an eye to renew. Run it on a quiet machine: the
pages show times.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from console import ROOT, Block, blocks, run_command, run_script


def renewed(block: Block) -> str:
    """The text of a block of commands, with what they print now."""
    text = ""
    for command, shown in block.commands():
        printed = run_command(command).rstrip("\n")
        text += f"$ {command}\n"
        text += "".join(f"{part}\n" for part in [shown if "..." in shown else printed] if part)
    return text


def renew(page: Path) -> None:
    """Write a page again."""
    text = page.read_text()
    names: dict[str, Any] = {"__name__": "__page__"}
    home = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("testdata").symlink_to(ROOT / "testdata")
        for block in blocks(page):
            if block.kind == "python":
                run_script(block.text, names)
            elif block.kind == "console":
                text = text.replace(block.text, renewed(block))
        os.chdir(home)
    page.write_text(text)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        renew(Path(name).resolve())
