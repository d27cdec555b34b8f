"""``lplr completion``."""

from __future__ import annotations

import click
from click.shell_completion import ShellComplete, get_completion_class

from lplrcli.cli import render
from lplrcli.cli.command import Command
from lplrcli.cli.main import ASKED

SHELLS = ("bash", "zsh", "fish")


@click.command(
    "completion",
    cls=Command,
    epilog="""\b
Examples:
  lplr completion bash >> ~/.bashrc  for every new bash
  lplr completion zsh >> ~/.zshrc    after the line with compinit
  lplr completion fish > ~/.config/fish/completions/lplr.fish
  eval "$(lplr completion bash)"     for this bash alone""",
)
@click.argument("shell", type=click.Choice(SHELLS), metavar="bash|zsh|fish")
def command(shell: str) -> None:
    """Print the script by which a shell completes commands, options and file names."""
    kind = get_completion_class(shell)
    if kind is None:  # pragma: no cover - Click has had these since its version 8.0
        raise click.UsageError(f"This version of Click completes nothing in {shell}.")
    # Not the method of `kind`, which may run the shell to learn its version.
    render.print_lines(ShellComplete.source(kind(click.Command("lplr"), {}, "lplr", ASKED)))
