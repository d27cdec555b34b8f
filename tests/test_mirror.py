"""Tests mirror the package: each module is tested at the place that its own place tells.

``lplrcli/io/formats/npy.py`` is tested by ``tests/io/formats/test_formats_npy.py``: the same
folders, and a name made of the last folder and the module, since pytest imports test files by
their names alone. Tests of what no single module answers for lie in folders of `THEMES`.
"""

from __future__ import annotations

import ast
from pathlib import Path

import lplrcli

PACKAGE = Path(lplrcli.__file__).resolve().parent
TESTS = Path(__file__).resolve().parent

THEMES = {
    "attacks": "hostile files, by every command",
    "docs": "pages, and the blocks of output in them, against what the commands print",
    "format": "the file format as SPEC.md has it, by product, reference decoder and parsers",
    "fuzz": "harnesses, and the inputs on which they once failed",
    "kaitai": "parsers made of lplr.ksy, and how they are compared",
    "whole": "commands and the package as a whole: pipes, signals, errors, determinism",
}
"""Folders of tests that are about no single module."""

NO_TEST = {
    "__main__.py": "started as a process by tests/cli and tests/whole",
    "model/version.py": "a single constant",
    "planning/limits.py": "a single constant",
}
"""Modules without a test file, and why."""

UNSETTLED: tuple[str, ...] = ()
"""Packages whose modules are being moved."""


def relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def settled(path: str) -> bool:
    return not any(path.startswith(f"{package}/") for package in UNSETTLED)


def functions(path: Path) -> list[ast.AST]:
    """Functions and classes of a module, but for protocols, which have no code."""
    found: list[ast.AST] = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            bases = {ast.unparse(base).split("[")[0] for base in node.bases}
            if "Protocol" not in bases:
                found.append(node)
        elif isinstance(node, ast.FunctionDef):
            found.append(node)
    return found


def place_of(module: str) -> str:
    """Where the test of a module lies, below tests/."""
    *folders, name = module.removesuffix(".py").split("/")
    parts = [*folders[-1:], *([] if name == "__init__" else [name])] or ["lplrcli"]
    return "/".join([*folders, f"test_{'_'.join(parts)}.py"])


MODULES = {relative(path, PACKAGE): path for path in sorted(PACKAGE.rglob("*.py"))}
FILES = {relative(path, TESTS): path for path in sorted(TESTS.rglob("test_*.py"))}


def test_every_module_is_tested_at_its_place():
    missing = [
        f"lplrcli/{module} is tested by no tests/{place_of(module)}"
        for module, path in MODULES.items()
        if settled(module)
        and module not in NO_TEST
        and (not module.endswith("__init__.py") or functions(path))
        and place_of(module) not in FILES
    ]
    assert not missing, "\n".join(missing)


def test_every_test_file_has_a_module_or_a_theme():
    places = {place_of(module) for module in MODULES}
    stray = [
        f"tests/{file} has no module in lplrcli/{file.rpartition('/')[0]}, and no theme"
        for file in FILES
        if settled(file)
        and file.split("/")[0] not in THEMES
        and file not in places
        and file != Path(__file__).name
    ]
    assert not stray, "\n".join(stray)


def test_names_of_test_files_and_their_helpers_are_given_once():
    """They are imported by name alone."""
    paths = [path for path in sorted(TESTS.rglob("*.py")) if path.name != "conftest.py"]
    names: dict[str, list[str]] = {}
    for path in paths:
        names.setdefault(path.name, []).append(f"tests/{relative(path, TESTS)}")
    twice = [" and ".join(found) for found in names.values() if len(found) > 1]
    assert not twice, "\n".join(twice)


def test_what_is_listed_here_is_there():
    for module in NO_TEST:
        assert module in MODULES, module
    for folder in THEMES:
        assert (TESTS / folder).is_dir(), folder
    for module in MODULES:
        assert module.split("/")[0] not in THEMES, f"lplrcli/{module} has the name of a theme"
