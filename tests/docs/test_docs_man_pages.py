"""Manual pages: one for every command, made of its help, in the wheel, and valid troff."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import zipfile

import click
import pytest
from console import ROOT

from lplrcli.cli.main import COMMANDS, cli


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("man_pages", ROOT / "docs" / "man_pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pages(script):
    return dict(script.pages())


def plain(text):
    """The text of a page without its markup."""
    text = re.sub(r"\\f[BR]|\\&", "", text)
    text = re.sub(r"\\\[u([0-9A-F]{4,6})\]", lambda found: chr(int(found[1], 16)), text)
    for mark, sign in (("\\-", "-"), ("\\(aq", "'"), ("\\(ga", "`"), ("\\e", "\\")):
        text = text.replace(mark, sign)
    return text


def test_every_command_and_every_option_has_its_place(pages):
    assert set(pages) == {"lplr.1", *(f"lplr-{name}.1" for name in COMMANDS)}
    root = click.Context(cli, info_name="lplr")
    for name in COMMANDS:
        command, text = cli.get_command(root, name), plain(pages[f"lplr-{name}.1"])
        for param in command.params:
            if isinstance(param, click.Option):
                for part in param.get_help_record(click.Context(command)):
                    assert part in text, (name, param.name)
        for line in command.epilog.replace("\b", "").split("\n")[2:]:
            assert line.strip() in text
        assert COMMANDS[name].rstrip(".") in plain(pages["lplr.1"])


def test_no_text_is_taken_for_a_command_of_troff(script, pages):
    assert script._escaped(".lplr") == r"\&.lplr"
    assert script._escaped("'it' `is` a-b\\c AᵀA") == (r"\(aqit\(aq \(gais\(ga a\-b\ec A\[u1D40]A")
    known = {"TH", "SH", "PP", "TP", "nf", "fi"}
    for text in pages.values():
        assert text.isascii()
        assert set(re.findall(r"^[.'](\w*)", text, re.MULTILINE)) <= known


def test_groff_has_no_complaint(pages):
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("groff is not installed")
    for name, text in pages.items():
        done = subprocess.run(
            [groff, "-man", "-Tutf8", "-ww", "-z"], input=text, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        assert done.stderr == "", name


def test_the_wheel_installs_them(pages, tmp_path):
    pytest.importorskip("hatchling")
    pytest.importorskip("build")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(tmp_path), ROOT],
        check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        found = {
            name.rpartition("/")[2]: archive.read(name).decode("ascii")
            for name in archive.namelist()
            if ".data/data/share/man/man1/" in name
        }
    assert found == pages
