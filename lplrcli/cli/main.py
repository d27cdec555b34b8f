"""The ``lplr`` command: finds the subcommand, and turns every error into text and an exit code."""

from __future__ import annotations

import importlib
import io
import os
import re
import signal
import sys
from contextlib import suppress
from difflib import get_close_matches
from typing import NoReturn

import click

from lplrcli.cli.stopping import BROKEN_PIPE, die_of, end_on_signals
from lplrcli.errors import LplrError, printable, printable_lines
from lplrcli.model.version import __version__

COMMANDS = {
    "compress": "Compress a matrix into an .lplr file.",
    "append": "Append rows to the matrix in an .lplr file.",
    "decompress": "Restore a matrix, or part of it, from an .lplr file.",
    "verify": "Check .lplr files to the last bit.",
    "recover": "Restore what is left of a matrix in a damaged .lplr file.",
    "inspect": "Show what .lplr files hold, and how exact they are.",
    "plan": "Predict what compressing a matrix would give.",
    "compare": "Compress a matrix by every method at equal file sizes.",
    "completion": "Print a script that completes commands in your shell.",
}


ASKED = "_LPLR_COMPLETE"
"""Variable by which a shell asks what may stand next on the line; see `lplr completion`."""


class LazyGroup(click.Group):
    """Imports a command's module when it is invoked: ``--help`` and ``--version`` import none."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands, in the order of a first use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the command called `cmd_name`."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"lplrcli.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is named, or say which name was perhaps meant."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(COMMANDS)}."
            ctx.fail(f"No such command {args[0]!r}. {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Example:
  lplr compress a.npy --bpc 1         writes a.lplr
  lplr inspect a.lplr --against a.npy
  lplr decompress a.lplr -o b.npy

Exit status: 0 done, 1 failed, 2 wrong usage, 3 not an .lplr file or damaged,
4 target cannot be met.""",
)
@click.version_option(__version__, prog_name="lplr", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Compress matrices by low rank and low precision."""


def main() -> NoReturn:
    """Run the command line and leave with its exit status, at once.

    Every file is closed by then, and taking the interpreter apart, Numba above all, would cost a
    quarter of a second for nothing.
    """
    try:
        run()
    except SystemExit as end:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                with suppress(OSError):
                    stream.flush()
        os._exit(end.code if isinstance(end.code, int) else 1)


def run() -> NoReturn:
    """Run the command line; its exit status is that of the `SystemExit` raised."""
    end_on_signals()
    status = 0
    try:
        if question := os.environ.get(ASKED):
            from click.shell_completion import shell_complete

            sys.exit(shell_complete(cli, {}, "lplr", ASKED, question))
        # Not `cli.main()`, which turns a broken pipe into exit status 1.
        with cli.make_context("lplr", sys.argv[1:]) as context:
            cli.invoke(context)
    except click.exceptions.Exit as end:
        status = end.exit_code
        if sys.stdout is None and not status:  # of --help and --version
            _fail("<stdout>: standard output is closed", 1)
    except click.ClickException as error:
        click.echo(_usage_text(error), err=True, nl=False)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        die_of(signal.SIGINT)
    except BrokenPipeError:
        die_of(BROKEN_PIPE)
    except Exception as error:
        if "--debug" in sys.argv[1:2]:
            raise
        _fail(*_explained(error))
    sys.exit(status)


class _Unfiltered(io.StringIO):
    """Text from which Click takes no colours away: the arguments in it are to be found."""

    def isatty(self) -> bool:
        return True


def _usage_text(error: click.ClickException) -> str:
    """What Click says of wrong usage, of which it quotes the arguments as they are."""
    stream = _Unfiltered()
    error.show(stream)
    text = stream.getvalue()
    for part in re.findall(r"[^\n]{0,4}\n[^\n]{0,4}", "\0".join(sys.argv[1:])):
        for fragment in part.split("\0"):  # an end of a line that an argument brought
            if len(fragment) > 1 and "\n" in fragment:
                text = text.replace(fragment, printable(fragment))
    return printable_lines(text)


def _explained(error: Exception) -> tuple[str, int]:
    """Text and exit status of an error."""
    if isinstance(error, LplrError):
        return str(error), error.exit_code
    if isinstance(error, MemoryError):
        return "not enough memory\nUse a smaller rank, or a machine with more memory.", 1
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return printable(f"{where}{error.strerror or error}"), 1
    return (
        f"{printable(f'internal error: {type(error).__name__}: {error}')}\n"
        "This is a defect of lplr; `lplr --debug ...` shows where.",
        1,
    )


def _fail(text: str, status: int) -> NoReturn:
    click.echo(f"lplr: {text}", err=True)
    sys.exit(status)
