"""What the page of targets says to be the same gives the same file."""

from __future__ import annotations

import pytest
from console import ROOT, run_command

PAGE = (ROOT / "docs" / "targets.md").read_text()
DEFAULTS = "--method rate-distortion --transform auto --center none"
PACKED = "-b 4 --method packed --sketch gaussian --oversampling 8 --power-iterations 2 --seed 0"


def test_the_page_says_so():
    for options in (DEFAULTS, PACKED):
        assert f"`{options}`" in PAGE


@pytest.mark.parametrize(
    ("short", "written_out"),
    [
        ("--bpc 1", "--size 7500"),
        ("--ratio 32", "--size 7500"),
        ("--size 7500", f"--size 7500 {DEFAULTS}"),
        ("-e 0.02", f"-e 0.02 {DEFAULTS}"),
        ("--max-abs-error 0.3", f"--max-abs-error 0.3 {DEFAULTS}"),
        ("-r 8", f"-r 8 {PACKED}"),
    ],
)
def test_a_target_and_its_expert_equivalent_give_the_same_bytes(
    short, written_out, tmp_path, monkeypatch, few_states
):
    monkeypatch.chdir(tmp_path)
    matrix = ROOT / "testdata" / "lowrank.npy"  # 400 x 150 float32
    for name, options in (("short", short), ("long", written_out)):
        run_command(f"lplr compress {matrix} {options} -q -o {name}.lplr")
    assert (tmp_path / "short.lplr").read_bytes() == (tmp_path / "long.lplr").read_bytes()


def test_a_file_without_loss_has_no_factors(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    matrix = ROOT / "testdata" / "dtypes" / "uint8.npy"
    run_command(f"lplr compress {matrix} -e 0 -q -o a.lplr")
    assert "(direct)" in run_command("lplr inspect a.lplr")
