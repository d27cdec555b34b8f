"""What commands share: groups of options, one value for one option, news of compilation."""

from __future__ import annotations

import re

import click
import pytest
from lplr_command import ENVIRONMENT, lplr, refused, start

from lplrcli.cli.command import COMPILING, Command, complete_paths
from lplrcli.cli.compress import GROUPS
from lplrcli.cli.main import COMMANDS, cli
from lplrcli.kernels import compilation


def all_commands():
    context = click.Context(cli)
    return {name: cli.get_command(context, name) for name in COMMANDS}


def single_options():
    """Every option that takes one value, of every command."""
    for name, command in all_commands().items():
        for option in command.params:
            if isinstance(option, click.Option) and not (option.is_flag or option.multiple):
                yield pytest.param(name, option.opts[-1], id=f"{name}{option.opts[-1]}")


@pytest.mark.parametrize(("command", "option"), list(single_options()))
def test_no_option_keeps_the_last_of_two_values_without_a_word(command, option):
    result = lplr(command, "x.lplr", option, "1", f"{option}=2")
    refused(result, 2, f"{option} is given 2 times")


def test_options_for_several_values_and_flags_may_be_repeated():
    @click.command(cls=Command)
    @click.option("--many", multiple=True)
    @click.option("-f", "--flag", is_flag=True)
    @click.option("-v", count=True)
    def command(**values):
        return values

    arguments = ["--many", "1", "--many", "2", "-f", "-f", "-vv"]
    found = command.main(arguments, standalone_mode=False)
    assert found == {"many": ("1", "2"), "flag": True, "v": 2}


def test_options_of_compress_stand_in_groups():
    command = all_commands()["compress"]
    found = command.option_groups(click.Context(command, help_option_names=["-h", "--help"]))
    assert list(found) == list(GROUPS)
    names = {str(one.name) for one in command.params if isinstance(one, click.Option)}
    assert names == {name for some in GROUPS.values() for name in some} - {"help"}
    heads = re.findall(r"^(\S.*):$", lplr("compress", "--help").text, re.MULTILINE)
    assert heads == list(GROUPS)


def test_options_of_no_group_come_last():
    @click.command(cls=Command, groups={"First": ["b"], "Empty": ["c"]})
    @click.option("--a")
    @click.option("--b")
    def command(a, b):
        pass

    found = command.option_groups(click.Context(command))
    assert {title: [one.opts[0] for one in some] for title, some in found.items()} == {
        "First": ["--b"], "Options": ["--a", "--help"],
    }  # fmt: skip


def test_paths_are_completed_by_the_shell():
    for name, command in all_commands().items():
        for param in command.params:
            takes_paths = param.name in ("source", "paths", "files", "output", "plot")
            if takes_paths:
                items = param.shell_complete(click.Context(command), "te")
                assert [(item.value, item.type) for item in items] == [("te", "file")], name
    assert complete_paths(click.Context(cli), cli.params[0], "x")[0].type == "file"


@pytest.mark.parametrize("quiet", [True, False])
def test_compilation_is_told_of_unless_quiet(quiet, capsys):
    @click.command(cls=Command)
    @click.option("-q", "--quiet", is_flag=True)
    def command(quiet):
        for tell in compilation._waiting:
            tell()

    command.main(["-q"] if quiet else [], standalone_mode=False)
    assert capsys.readouterr().err == ("" if quiet else f"{COMPILING}\n")


def test_the_first_run_says_that_it_compiles_without_a_terminal_too(work):
    environment = {**ENVIRONMENT, "NUMBA_CACHE_DIR": str(work / "cache")}
    environment.pop("NUMBA_DISABLE_JIT", None)
    for expected in ([COMPILING], []):
        command = ("compress", "a.npy", "--method", "nq", "-fo", "b.lplr")
        with start(*command, cwd=work, env=environment) as process:
            lines = process.communicate()[1].decode().splitlines()
        assert lines[:-1] == expected
        assert lines[-1].startswith("a.npy -> b.lplr: ")
