"""``lplr compress --passes``: through a pipe, and what is said of it."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from lplr_command import lplr, shell


@pytest.mark.parametrize("passes", [1, 2, 3, 4])
def test_passes_and_bytes_are_told(work, passes):
    result = lplr("compress", "a.npy", "-r", 6, "-b", 4, "--passes", passes, "--json", "-vf")
    assert result.code == 0, result.err
    told = json.loads(result.out)
    assert told["passes"] == passes
    assert told["bytes_read"] == passes * np.load("a.npy").nbytes
    assert told["bytes_read"] <= passes * (work / "a.npy").stat().st_size
    assert told["plan"]["target"]["passes"] == passes
    assert told["exact"] is (passes > 2)
    assert told["estimator"] == (None if passes > 2 else "gaussian-rows")
    counted = "1 pass" if passes == 1 else f"{passes} passes"
    assert re.search(rf"{counted} over the data, .* KiB read", result.err)
    assert ("Tropp" in result.err) is ("error ~" in result.err) is (passes <= 2)
    shown = json.loads(lplr("inspect", "--json", "a.lplr").out)["files"][0]["matrices"][0]
    assert shown.get("estimator") == told["estimator"]
    assert "bytes_read" not in shown


def test_the_pipe_in_one_pass(work):
    line = "cat a.npy | TMPDIR=/nowhere lplr compress - --passes 1 -r 12 -b 8 -qo - > p.lplr"
    result = shell(line, work)
    assert (result.code, result.err) == (0, "")
    assert lplr("decompress", "p.lplr", "-o", "p.npy", "-q").code == 0
    a, b = np.load("a.npy"), np.load("p.npy")
    assert np.linalg.norm(a - b) < 0.1 * np.linalg.norm(a)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-e", 0.1, "--passes", 2], "a pass is left to measure it"),
        (["--bpc", 1, "--passes", 1], "-r"),
        (["--bpc", 1, "--passes", 5, "--mode", "direct"], "counted beforehand"),
        (["-r", 3, "--passes", 0], "0"),
        (["-r", 3, "--passes", 1, "--method", "lsvd"], "takes 3 passes"),
        (["-r", 3, "--passes", 3, "--power-iterations", 2], "too few for"),
        (["--bpc", 1, "--passes", 5, "--unfold", "auto"], "--unfold auto"),
    ],
    ids=str,
)
def test_wrong_usage(refuses, arguments, says):
    refuses("compress", "a.npy", *arguments, "-o", "b.lplr", code=2, says=[says])


def test_a_dry_run_takes_no_more(work):
    result = lplr("compress", "a.npy", "--bpc", 1, "-r", 6, "--passes", 1, "--dry-run", "-v")
    assert result.code == 0, result.err
    assert result.err.count("pass 1") == 1
    assert "pass 2" not in result.err
