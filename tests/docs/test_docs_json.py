"""Every key that `--json` prints is on the page, and every key on the page is printed."""

from __future__ import annotations

import re

import pytest
from console import ROOT
from json_outputs import documents, paths

PAGE = (ROOT / "docs" / "json.md").read_text()
_SHARED = re.compile(r"\[the (plan|target)\]\(#the-(?:plan|target)\)")


def section(title):
    """Rows of a table of the page: keys, what they mean, and when they are there."""
    text = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)[1]
    for line in text.splitlines():
        if line.startswith("| `"):
            keys, meaning, there = (cell.strip() for cell in line.strip("|").split(" | ", 2))
            yield re.findall(r"`([^`]+)`", keys), meaning, there.strip(" |")


def documented(title, always=True):
    """Paths of a section, and whether each is there in every document."""
    for keys, meaning, there in section(title):
        for key in keys:
            yield key, always and not there
            if shared := _SHARED.search(meaning):
                for inner, everywhere in documented(f"The {shared[1]}", always and not there):
                    yield f"{key}.{inner}", everywhere


@pytest.fixture(scope="module")
def printed(tmp_path_factory, few_states_throughout):
    folder = tmp_path_factory.mktemp("json")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return {
            command: [set(paths(one)) for one in found]
            for command, found in documents(folder).items()
        }


COMMANDS = ["compress", "decompress", "append", "inspect", "verify", "recover", "plan", "compare"]
ELSEWHERE = {
    "files[].matrices[].plan.target.max_abs_error": "asked for as `relative_error` is",
    "lost_chunks[].columns": "a damaged right factor",
    "lost_chunks[].entries": "a damaged residual",
    "lost_parts[].rows": "a damaged residual",
    "lost_parts[].columns": "a damaged residual",
    "notes.METHOD": "a matrix too large for the method",
}
"""Keys of the page that no document here has, and what would print them."""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_key_printed_is_on_the_page(printed, command):
    told = {key for key, _ in documented(command)}
    assert set().union(*printed[command]) - told == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_key_on_the_page_is_printed(printed, command):
    told = {key for key, _ in documented(command)}
    assert told - set().union(*printed[command]) - set(ELSEWHERE) == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_keys_without_a_condition_are_always_printed(printed, command):
    always = {key for key, everywhere in documented(command) if everywhere}
    for found in printed[command]:
        assert always - found == set()
