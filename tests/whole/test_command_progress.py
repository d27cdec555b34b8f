"""Commands name the stages that they go through, from the first to the last."""

from __future__ import annotations

import pytest
from lplr_command import lplr

from lplrcli.cli.bar import Bar
from lplrcli.runtime.stages import CHOOSE, CODE, FIND_DIRECTIONS, READ, STAGES, VERIFY, WRITE


@pytest.fixture
def told(monkeypatch):
    """Stages as they begin, and what was counted within them."""
    stages, counts = [], []
    begin, count, rows = Bar.begin, Bar.count, Bar.rows

    def begun(bar, stage):
        stages.append(stage)
        begin(bar, stage)

    def counted(bar, done, total, unit):
        counts.append((bar._stage, unit))
        count(bar, done, total, unit)

    def passed(bar, done, total):
        counts.append((bar._stage, "rows"))
        rows(bar, done, total)

    monkeypatch.setattr(Bar, "begin", begun)
    monkeypatch.setattr(Bar, "count", counted)
    monkeypatch.setattr(Bar, "rows", passed)
    return stages, counts


def run(*arguments):
    result = lplr(*arguments, "--progress")
    assert result.code == 0, result.err


@pytest.mark.parametrize("target", [("-e", "0.05"), ("--bpc", "2")], ids=["error", "size"])
def test_a_compression_goes_through_all_stages(target, work, told):
    stages, counts = told
    run("compress", "a.npy", *target, "-fo", "b.lplr")
    assert set(stages) == set(STAGES)
    assert (stages[0], stages[-1]) == (READ, WRITE)
    firsts = [stages.index(one) for one in (READ, CHOOSE, CODE, VERIFY, WRITE)]
    assert firsts == sorted(firsts)
    # It moves in the last ones too, where no pass does.
    assert {(CODE, "chunks"), (WRITE, "chunks"), (VERIFY, "rows")} <= set(counts)


def test_other_commands_name_theirs(work, told):
    stages, _ = told
    for arguments, expected in [
        (("compress", "a.npy", "-r", "8", "-fo", "b.lplr"), {FIND_DIRECTIONS, CODE, VERIFY, WRITE}),
        (("compress", "a.npy", "--method", "nq", "-b", "4", "-fo", "n"), {CODE, VERIFY, WRITE}),
        (("append", "a.lplr", "a.npy", "-e", "1", "-qfo", "b.lplr"), {CODE, WRITE}),
        (("plan", "a.npy"), {CHOOSE, FIND_DIRECTIONS}),
        (("inspect", "a.lplr", "--against", "a.npy"), {VERIFY}),
    ]:
        del stages[:]
        run(*arguments)
        assert stages[0] == READ, arguments
        assert expected <= set(stages), (arguments, stages)
        assert stages[-1] == (WRITE if WRITE in expected else stages[-1])


def test_notices_and_bar_share_no_line(work):
    result = lplr("compress", "a.npy", "-e", "0.05", "-vfo", "b.lplr", "--progress")
    lines = result.err.split("\n")
    notices = [line for line in lines if "pass 1, " in line]
    assert notices
    for line in notices:
        assert "━" not in line.rpartition("\x1b[2K")[2]
