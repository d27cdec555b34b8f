"""Build of the wheel: the manual pages are made from the command line that it installs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManPages(BuildHookInterface):
    """Adds the pages of docs/man_pages.py to what a wheel installs beside the package."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the pages, and say where they go."""
        folder = Path(self.root) / "build" / "man"
        script = Path(self.root) / "docs" / "man_pages.py"
        subprocess.run([sys.executable, str(script), str(folder)], check=True)
        for page in sorted(folder.glob("*.1")):
            build_data["shared_data"][str(page)] = f"share/man/man1/{page.name}"
