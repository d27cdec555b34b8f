"""What a campaign found, as a file in benchmarks/trust; used by the scripts that run one."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from lplrcli import __version__

TRUST = Path(__file__).with_name("trust")


def record(
    name: str,
    what: str,
    cases: int,
    failures: int,
    unit: str,
    details: dict[str, Any],
    seed: int,
    seconds: float,
    out: Path | None = None,
) -> int:
    """Write ``benchmarks/trust/NAME.json`` and print it; give the exit status back."""
    told = {
        "name": name,
        "what": what,
        "cases": cases,
        "failures": failures,
        "unit": unit,
        "details": details,
        "seed": seed,
        "version": __version__,
        "commit": commit(),
        "seconds": round(seconds, 1),
    }
    text = json.dumps(told, indent=2)
    path = out or TRUST / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text + "\n")
    print(text)
    return int(failures > 0)


def commit() -> str:
    """The short hash of what is checked out."""
    return subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=TRUST.parent,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
