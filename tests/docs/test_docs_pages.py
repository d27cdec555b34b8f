"""README and the manual: links, length, tables, and options, against what they speak of."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from html.parser import HTMLParser

import click
import pytest
from console import ROOT, blocks

from lplrcli.cli.main import cli

DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [ROOT / "README.md", *DOCS]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def commands():
    """Every command of the command line, by name."""
    context = click.Context(cli)
    return {name: cli.get_command(context, name) for name in cli.list_commands(context)}


def flags(command):
    """Every name of every option."""
    return {
        flag
        for option in command.params
        if isinstance(option, click.Option)
        for flag in (*option.opts, *option.secondary_opts)
    }


OPTIONS = sorted(
    {(name, flag) for name, command in commands().items() for flag in flags(command)}
    | {("", flag) for flag in flags(cli)}
)


def anchors(page):
    """Names that a link may give after ``#``: of headings, and labels in parentheses."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    slugs = (re.sub(r"[^\w\- ]", "", one.lower()).strip().replace(" ", "-") for one in headings)
    return {*slugs, *re.findall(r"^\(([\w-]+)\)=$", text, re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_to_a_file_leads_to_one(page):
    for target in _LINK.findall(_CODE.sub("", page.read_text())):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path) if path else page
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), target


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text().split()) <= 900


def test_every_command_is_on_the_page_of_the_command_line():
    page = (ROOT / "docs" / "cli.md").read_text()
    assert re.search(r"\.\. click:: lplrcli\.cli\.main:cli\n +:prog: lplr\n +:nested: full", page)
    for name in commands():
        assert f"`lplr {name}`" in page


def test_every_option_is_told_of_in_prose():
    """What it is for, not only what the generated page prints of it."""
    told = " ".join(page.read_text() for page in DOCS if page.name not in ("cli.md", "json.md"))
    told += (ROOT / "docs" / "cli.md").read_text().split("```{eval-rst}")[0]
    missing = {flag for _, flag in OPTIONS if not re.search(rf"(?<![\w-]){flag}(?![\w-])", told)}
    assert missing == set()


class _Text(HTMLParser):
    def __init__(self):
        super().__init__()
        self.parts = []

    def handle_data(self, data):
        self.parts.append(data)


def test_every_option_and_its_help_is_rendered(tmp_path):
    pytest.importorskip("sphinx_click", reason="the site needs pip install '.[docs]'")
    pytest.importorskip("myst_parser")
    (tmp_path / "index.md").write_text((ROOT / "docs" / "cli.md").read_text())
    settings = ["-D", "extensions=myst_parser,sphinx_click", "-D", "smartquotes=0", "-C", "-q"]
    made = tmp_path / "made"
    subprocess.run(
        [sys.executable, "-m", "sphinx", *settings, str(tmp_path), str(made)],
        check=True, capture_output=True, cwd=ROOT,
    )  # fmt: skip
    reader = _Text()
    reader.feed((made / "index.html").read_text())
    text = " ".join("".join(reader.parts).split())
    for name, flag in OPTIONS:
        assert re.search(rf"(?<![\w-]){flag}(?![\w-])", text), (name, flag)
    for command in commands().values():
        for option in command.params:
            if isinstance(option, click.Option):
                help_text = re.sub(r"\[[^]]*\]\s*$", "", option.help or "")
                assert " ".join(help_text.split()) in text, option.name


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_options_that_pages_show_are_options(page):
    """Blocks that are not run, and commands within a line."""
    text = page.read_text()
    shown = [
        line for block in blocks(page) if block.kind == "sh" for line in block.text.split("\n")
    ]
    shown += re.findall(r"`(lplr [^`\n]+)`", text)
    for line in shown:
        for part in re.findall(r"\blplr ([a-z]+\b[^|]*)", line.split("  #")[0]):
            name, *words = shlex.split(part, comments=True)
            assert name in commands(), line
            given = {word for word in words if re.match(r"--?[a-zA-Z]", word)}
            assert given <= flags(commands()[name]) | {"-h", "--help"}, line


def _script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_tables_are_those_of_the_records(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    tables = _script("tables")
    made = tables.tables()
    between = (ROOT / "README.md").read_text().split(tables.START)[1].split(tables.END)[0]
    assert between.strip() == made.pop("README")
    trust = _script("trust")
    made["trust"] = trust.table(trust.campaigns())
    for name, table in made.items():
        assert (ROOT / "docs" / "results" / f"{name}.md").read_text() == table + "\n", name
