"""What all commands share: options in groups, none given twice, and news of compilation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from lplrcli.cli.progress import tell
from lplrcli.kernels.compilation import compilation_told

COMPILING = "lplr: compiling its kernels, once; later runs start at once"
Groups = Mapping[str, Sequence[str]]


class Command(click.Command):
    """A command of ``lplr``.

    Parameters
    ----------
    groups : mapping of str to sequence of str, optional
        Titles, and the names of the parameters whose options stand below each. Options of no
        group come last, under "Options".
    """

    def __init__(self, *arguments: Any, groups: Groups | None = None, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.groups: Groups = groups or {}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, and refuse a second value for what has one: which is meant cannot be known."""
        if not ctx.resilient_parsing:
            _refuse_repetition(ctx, self.make_parser(ctx).parse_args(list(args))[2])
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run; say why the first run on a machine is slow, unless asked to be quiet."""
        if ctx.params.get("quiet"):
            return super().invoke(ctx)
        with compilation_told(lambda: tell(COMPILING)):
            return super().invoke(ctx)

    def option_groups(self, ctx: click.Context) -> dict[str, list[click.Option]]:
        """All options below their titles, in the order of the help."""
        left = {
            "help" if "--help" in one.opts else str(one.name): one
            for one in self.get_params(ctx)
            if isinstance(one, click.Option) and not one.hidden
        }
        found = {
            title: [left.pop(name) for name in names if name in left]
            for title, names in self.groups.items()
        }
        found["Options"] = list(left.values())
        return {title: some for title, some in found.items() if some}

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write every group with its options."""
        for title, some in self.option_groups(ctx).items():
            with formatter.section(title):
                records = (option.get_help_record(ctx) for option in some)
                formatter.write_dl([record for record in records if record is not None])


def complete_paths(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Leave it to the shell to complete the name of a file."""
    return [CompletionItem(incomplete, type="file")]


def _refuse_repetition(ctx: click.Context, given: Sequence[click.Parameter]) -> None:
    for param, times in Counter(given).items():
        single = isinstance(param, click.Option) and not (
            param.multiple or param.is_flag or param.count
        )
        if single and times > 1:
            name = max(param.opts, key=len)
            raise click.UsageError(
                f"{name} is given {times} times, but takes one value: leave one of them.", ctx
            )
