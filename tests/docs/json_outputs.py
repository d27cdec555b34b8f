"""Documents that `--json` prints, of every kind, and the paths of their keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from console import ROOT, run_command

OPEN = {
    "sizes[].modes": "MODE",
    "errors[].modes": "MODE",
    "methods": "METHOD",
    "notes": "METHOD",
    "ranks": "SHARE",
    "chunks": "FACTOR",
    "plan.predictions": "MODE",
    "files[].section_bytes": "TAG",
    "files[].matrices[].section_bytes": "TAG",
    "files[].matrices[].plan.predictions": "MODE",
    "files[].matrices[].factors": "FACTOR",
}
"""Objects whose keys are names of what they are about, and what the manual writes for these."""


def paths(value: Any, at: str = "") -> Iterator[str]:
    """The path of every key: ``files[].path``; elements of lists are all alike."""
    if isinstance(value, dict):
        for key, inner in value.items():
            name = OPEN.get(at, key)
            path = f"{at}.{name}" if at else name
            yield path
            yield from paths(inner, path)
    elif isinstance(value, list):
        for inner in value:
            yield from paths(inner, f"{at}[]")


def documents(folder: Path) -> dict[str, list[Any]]:
    """What each command prints, by its name; runs in `folder`, the working folder."""
    made: dict[str, list[Any]] = {}

    def run(line: str) -> None:
        printed = run_command(f"lplr {line}")
        start = printed.index("\n{\n") + 1 if not printed.startswith("{") else 0
        made.setdefault(line.split()[0], []).append(
            json.JSONDecoder().raw_decode(printed[start:])[0]
        )

    lowrank = ROOT / "testdata" / "lowrank.npy"
    whole = np.load(lowrank)[:240, :80]
    np.save("low.npy", whole[:160])
    np.save("new.npy", whole[160:])
    np.save("ramp.npy", np.arange(600, dtype=np.int16).reshape(20, 30) % 7)
    y, x = np.mgrid[0:1:24j, 0:1:24j]
    np.save(
        "field.npy", np.exp(-((x - 0.5) ** 2 + y**2)[None] * np.linspace(1, 9, 40)[:, None, None])
    )
    quiet = "--json -q -f"
    run(f"compress low.npy -r 8 -b 4 -o packed.lplr {quiet}")
    run(f"compress low.npy -r 8 -b 4 --method lplr -o paper.lplr {quiet}")
    run(f"compress low.npy -r 8 -b 4 --passes 1 -o once.lplr {quiet}")
    run(f"compress low.npy -e 0.02 --transform none -o low.lplr {quiet}")
    run(f"compress low.npy --bpc 2 --center both --mode factors+residual -o means.lplr {quiet}")
    run(f"compress field.npy --bpc 0.5 --transform klt --mode factors -o field.lplr {quiet}")
    run(f"compress ramp.npy -e 0 -o ramp.lplr {quiet}")
    run(f"compress low.npy --bpc 1 --dry-run {quiet}")
    run("plan low.npy --json")
    run("plan ramp.npy --json")
    run("compare ramp.npy --bpc 8 --bpc 2 --method nq --method packed --json")
    run("inspect --json packed.lplr paper.lplr once.lplr low.lplr means.lplr field.lplr ramp.lplr")
    run("inspect --json packed.lplr --spectrum --against low.npy")
    run(f"decompress low.lplr -o back.npy {quiet}")
    run(f"append low.lplr new.npy -e 0.05 -o longer.lplr {quiet}")
    run("verify --json -q packed.lplr")
    run("verify --json -q packed.lplr --against low.npy")
    np.save("tall.npy", np.random.default_rng(0).standard_normal((20000, 16)).astype(np.float32))
    run(f"compress tall.npy -r 16 -b 4 -o damaged.lplr {quiet}")
    with Path("damaged.lplr").open("r+b") as file:
        file.seek(3000)
        file.write(b"lost")
    run("verify --json -q damaged.lplr")
    run(f"recover damaged.lplr -o rest.npy {quiet}")
    run(f"recover paper.lplr -o rest.npy {quiet}")
    return made
