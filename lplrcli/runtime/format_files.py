"""The language-neutral files of the format, which programs in other languages read too."""

from __future__ import annotations

from pathlib import Path


def format_folder() -> Path:
    """Folder of SPEC.md: inside the installed package, or beside it in the sources."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_formats" / "lplr"
    return installed if installed.is_dir() else package.parent / "formats" / "lplr"


def read_definition(name: str) -> bytes:
    """Content of the file called `name` beside SPEC.md."""
    return (format_folder() / name).read_bytes()
