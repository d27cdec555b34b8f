"""Tables of the manual and of README, from the records that the benchmarks have left.

Usage: python benchmarks/tables.py [--write]

Reads `rate_distortion/results.csv`, `snapshots/results.csv` and `snapshots/sizes.csv`, of which
`rate_distortion.py` and `snapshots.py` made every row. `--write` puts the tables into
`docs/results/`, which the manual includes, and the shortest one into README.md, between the two
comments that name this script. Without it they are printed.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from rate_distortion_report import TOOL, Results, Row, read, summary, table

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs" / "results"
README = HERE.parent / "README.md"
START, END = "<!-- benchmarks/tables.py -->", "<!-- end -->"

KINDS = ("embeddings", "weights", "photograph", "synthetic")
SIZES = [0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0]
FLOWS = {"burgers": 16384 * 1000, "shallow_water": 9216 * 500}
PHOTOGRAPHS = {"camera": 512 * 512, "coins": 303 * 384}
"""Entries of each matrix."""

PEERS = [TOOL, "SPERR", "Tucker", "SZ3", "zfp"]
TITLES = {
    "burgers": "2-D Burgers equations, 16384 × 1000",
    "shallow_water": "Shallow water equations, 9216 × 500",
    "camera": "Photograph `camera`, 512 × 512",
    "coins": "Photograph `coins`, 303 × 384",
}
LABELS = {
    "paper's lsvd": "LSVD of the paper",
    "SVD int4": "truncated SVD, int4",
    "scalar": "scalar quantizer",
}
"""Names of peers, where README says more than the record."""

SHOWN = (
    ("Flow, 16384 × 1000 (2-D Burgers)", "snapshots", "burgers", (0.02, 0.1, 0.5)),
    ("Sentence embeddings, 9541 × 384", "rate_distortion", "emb_wordnet", (0.5, 1.0, 2.0)),
    ("Transformer weights (MiniLM)", "rate_distortion", "minilm_l0_ffn_in", (1.0, 2.0, 4.0)),
)
"""What README shows: a title, the record, the matrix in it, and bits per coordinate."""


def bits_per_coordinate(entries: int, row: Row) -> float | None:
    return None if row.size is None else 8 * row.size / entries


def field_tables(
    found: Results, matrices: dict[str, int], goal: str, levels: list[float], in_bits: bool
) -> str:
    """One table a matrix, each under its title."""
    parts = []
    for name, entries in matrices.items():
        shown = {"shown": partial(bits_per_coordinate, entries)} if in_bits else {}
        parts.append(f"{TITLES[name]}:\n\n{table(found, name, levels, PEERS, goal, **shown)}")
    return "\n\n".join(parts)


def short_table(records: dict[str, Results]) -> str:
    """The tool and the best of all its peers, at a few sizes of one matrix a reader."""
    lines = [
        "| data | bits per coordinate | error of lplr | best of the others |",
        "|---|--:|--:|--:|",
    ]
    for title, record, matrix, sizes in SHOWN:
        for number, bpc in enumerate(sizes):
            rows = [r for r in records[record].values() if (r.matrix, r.bpc) == (matrix, bpc)]
            ours = next(row for row in rows if row.peer == TOOL)
            others = [row for row in rows if row.peer != TOOL and row.error is not None]
            best = min(others, key=lambda row: float(row.error or 0))
            lines.append(
                f"| {title if number == 0 else ''} | {bpc:g} | **{percent(ours)}** "
                f"| {percent(best)} ({LABELS.get(best.peer, best.peer)}) |"
            )
    return "\n".join(lines)


def percent(row: Row) -> str:
    return f"{100 * float(row.error or 0):.3g} %"


def tables() -> dict[str, str]:
    """Every table in Markdown, by the name of its file in `docs/results`."""
    rates = read(HERE / "rate_distortion" / "results.csv")[1]
    snapshots = read(HERE / "snapshots" / "results.csv")[1]
    sizes = read(HERE / "snapshots" / "sizes.csv")[1]
    by_kind = sorted(rates.values(), key=lambda row: KINDS.index(row.kind))
    matrices = list(dict.fromkeys(row.matrix for row in by_kind))
    bits = "bits per coordinate"
    of_flows = sorted({row.bpc for row in snapshots.values() if row.matrix in FLOWS})
    of_photographs = sorted({row.bpc for row in snapshots.values() if row.matrix in PHOTOGRAPHS})
    errors = sorted({row.bpc for row in sizes.values()}, reverse=True)
    return {
        "rate_distortion": summary(rates, matrices, SIZES),
        "flows": field_tables(snapshots, FLOWS, bits, of_flows, in_bits=False),
        "photographs": field_tables(snapshots, PHOTOGRAPHS, bits, of_photographs, in_bits=False),
        "sizes": field_tables(sizes, FLOWS | PHOTOGRAPHS, "error at most", errors, in_bits=True),
        "README": short_table({"rate_distortion": rates, "snapshots": snapshots}),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="put them into docs and README.md")
    made = tables()
    if not parser.parse_args().write:
        print("\n\n".join(f"### {name}\n\n{text}" for name, text in made.items()))
        return
    text = README.read_text()
    before, rest = text.split(START)
    README.write_text(f"{before}{START}\n\n{made.pop('README')}\n\n{END}{rest.split(END)[1]}")
    for name, text in made.items():
        (DOCS / f"{name}.md").write_text(text + "\n")


if __name__ == "__main__":
    main()
