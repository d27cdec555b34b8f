"""What the campaigns found, as the table that stands in the manual.

Usage: python benchmarks/trust.py [--write]

Every campaign (`fuzzing.py`, `attacks.py`, `kills.py`, `bit_flips.py`, `error_targets.py`, and
those of `make coverage` and `make mutants`) leaves a file in `trust/`: what was tried, how often,
how often it failed, with which seed, by which version. `--write` puts the table into
`docs/results/trust.md`, which the manual includes. The exit status is 1 if a campaign had failures.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "results" / "trust.md"
MEASURES = ("coverage",)
"""Of these a failure is what was not reached, and none need be zero."""


def campaigns() -> list[dict[str, Any]]:
    """What each campaign left, the largest first."""
    found = [json.loads(path.read_text()) for path in sorted((HERE / "trust").glob("*.json"))]
    return sorted(found, key=lambda one: -one["cases"])


def table(found: list[dict[str, Any]]) -> str:
    """The table in Markdown."""
    lines = ["| | tried | failed |", "|---|--:|--:|"]
    for one in found:
        failed = f"{one['failures']:,}"
        if one["name"] in MEASURES:
            failed += f" ({100 * (1 - one['failures'] / one['cases']):.1f} % reached)"
        lines.append(f"| {one['what']} | {one['cases']:,} {one['unit']} | {failed} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="put it into the manual")
    found = campaigns()
    printed = table(found)
    print(printed)
    if parser.parse_args().write:
        PAGE.write_text(printed + "\n")
    return int(any(one["failures"] for one in found if one["name"] not in MEASURES))


if __name__ == "__main__":
    sys.exit(main())
