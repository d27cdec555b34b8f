"""Manual pages of the command line for ``man``, made from what ``--help`` prints.

``python docs/man_pages.py FOLDER`` writes lplr.1, and lplr-COMMAND.1 for every command, into
FOLDER. The build of the wheel does so too (hatch_build.py), and ``pip install`` puts the pages
where ``man`` looks for them: share/man/man1 of the environment.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import click  # noqa: E402

from lplrcli.cli.command import Command  # noqa: E402
from lplrcli.cli.main import COMMANDS, cli  # noqa: E402
from lplrcli.model.version import __version__  # noqa: E402


def pages() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each page."""
    root = click.Context(cli, info_name="lplr", **cli.context_settings)
    others = ", ".join(rf"\fBlplr\-{_escaped(name)}\fR(1)" for name in COMMANDS)
    listed = [line for name, text in COMMANDS.items() for line in _entry(name, text)]
    yield (
        "lplr.1",
        _page(root, str(cli.help), _options(root), [".SH COMMANDS", *listed], others),
    )
    for name, summary in COMMANDS.items():
        command = cli.get_command(root, name)
        assert isinstance(command, Command)
        settings = {"help_option_names": root.help_option_names}
        context = click.Context(command, root, name, **settings)
        lines = [
            line
            for title, options in command.option_groups(context).items()
            for line in (f".SH {_escaped(title.upper())}", *_records(context, options))
        ]
        yield f"lplr-{name}.1", _page(context, summary, lines, [], r"\fBlplr\fR(1)")


def _page(
    context: click.Context, summary: str, options: list[str], more: list[str], see: str
) -> str:
    """A page in the language of the man macros."""
    command, name = context.command, context.command_path.replace(" ", "-")
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [
        f'.TH "{_escaped(name.upper())}" "1" "" "lplr {__version__}" "lplr"',
        ".SH NAME",
        rf"{_escaped(name)} \- {_escaped(summary.rstrip('.'))}",
        ".SH SYNOPSIS",
        rf"\fB{_escaped(context.command_path)}\fR {_escaped(usage)}",
        ".SH DESCRIPTION",
        *_prose(inspect.cleandoc(command.help or "")),
        *more,
        *options,
        *_epilog(inspect.cleandoc(command.epilog or "")),
        ".SH SEE ALSO",
        see,
    ]
    return "\n".join(lines) + "\n"


def _options(context: click.Context) -> list[str]:
    options = [one for one in context.command.get_params(context) if isinstance(one, click.Option)]
    return [".SH OPTIONS", *_records(context, options)]


def _records(context: click.Context, options: list[click.Option]) -> list[str]:
    records = (option.get_help_record(context) for option in options)
    return [line for record in records if record is not None for line in _entry(*record)]


def _entry(head: str, text: str) -> list[str]:
    return [".TP", rf"\fB{_escaped(head)}\fR", _escaped(text)]


def _prose(text: str) -> list[str]:
    return [line for part in text.split("\n\n") for line in (".PP", _escaped(_joined(part)))]


def _epilog(text: str) -> list[str]:
    """Examples as they are typed, and what follows them as prose."""
    lines: list[str] = []
    for part in text.replace("\b", "").strip("\n").split("\n\n"):
        head, *rest = part.strip("\n").split("\n")
        if rest and rest[0].startswith("  "):
            shown = [_escaped(line[2:]) for line in rest]
            lines += [f".SH {head.rstrip(':').upper()}", ".nf", *shown, ".fi"]
        elif found := re.match(r"(Exit status): (.*)", _joined(part)):
            lines += [f".SH {found[1].upper()}", _escaped(found[2])]
        else:
            lines += _prose(part)
    return lines


def _joined(text: str) -> str:
    return " ".join(text.split())


def _escaped(text: str) -> str:
    r"""Text in which troff sees no commands; hyphens can be copied into a shell.

    >>> _escaped(".lplr is read by 'lplr inspect --json'")
    "\\&.lplr is read by \\(aqlplr inspect \\-\\-json\\(aq"
    """
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq").replace("`", r"\(ga")
    text = "".join(one if one.isascii() else rf"\[u{ord(one):04X}]" for one in text)
    return rf"\&{text}" if text.startswith(".") else text


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages():
        (folder / name).write_text(text, encoding="ascii")
