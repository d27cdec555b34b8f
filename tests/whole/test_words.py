"""The words of the package: docstrings can be read alone, and no thread or file is a person."""

from __future__ import annotations

import ast
import re
import tokenize
from itertools import pairwise
from pathlib import Path

import lplrcli

PACKAGE = Path(lplrcli.__file__).parent

BEGINNING = re.compile(r"(Of|Likewise|The same)\b")
"""A docstring, or a numpydoc description, that begins so needs the one before it."""

PERSON = re.compile(r"\b(somebody|someone|nobody|whoever|strangers?)\b", re.IGNORECASE)
"""What reads, locks or writes is a thread, a process, a reader or a user: the text says which."""

ITEM = re.compile(r"( *)[\w, ]+( : .*)?")
"""Name and type of a parameter in numpydoc, above its description."""


def sources():
    return sorted(PACKAGE.rglob("*.py"))


def docstrings(path):
    """Line and text of every string that stands alone: also those under constants."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.lineno, str(node.value.value)


def beginnings(text):
    """First words of a docstring, and of every description of a parameter in it."""
    lines = text.splitlines()
    yield lines[0].strip()
    for before, line in pairwise(lines):
        item = ITEM.fullmatch(before)
        if item and line.startswith(item[1] + "    ") and line.strip():
            yield line.strip()


def comments(path):
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def place(path, line):
    return f"{path.relative_to(PACKAGE.parent)}:{line}"


def test_docstrings_can_be_read_alone():
    wrong = [
        f"{place(path, line)}: {beginning}"
        for path in sources()
        for line, text in docstrings(path)
        for beginning in beginnings(text)
        if BEGINNING.match(beginning)
    ]
    assert not wrong


def test_threads_files_and_processes_are_no_persons():
    wrong = [
        f"{place(path, line)}: {text}"
        for path in sources()
        for line, text in [*docstrings(path), *comments(path)]
        if PERSON.search(text)
    ]
    assert not wrong


def test_the_words_are_found():
    text = "Sum.\n\n    Parameters\n    ----------\n    task : callable\n        Of a block.\n"
    assert [one for one in beginnings(text) if BEGINNING.match(one)] == ["Of a block."]
    assert BEGINNING.match("Likewise for rows.")
    assert not BEGINNING.match("Offset of a byte.")
    assert PERSON.search("until somebody drops it")
    assert not PERSON.search("a strange file")


def test_a_private_constant_of_the_pipeline_has_one_meaning():
    found = {}
    for path in sorted((PACKAGE / "pipeline").rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            targets = node.targets if isinstance(node, ast.Assign) else []
            for name in (one for target in targets for one in ast.walk(target)):
                if isinstance(name, ast.Name) and name.id.startswith("_"):
                    found.setdefault(name.id, []).append(path.relative_to(PACKAGE).as_posix())
    assert {name: places for name, places in found.items() if len(places) > 1} == {}
