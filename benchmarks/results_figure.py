"""The picture at the top of README: error over size, of one matrix for each kind of reader.

Usage: python benchmarks/results_figure.py

Draws `docs/results/errors.svg` from `rate_distortion/results.csv` and `snapshots/results.csv`.
Needs matplotlib.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
from rate_distortion_report import TOOL, Results, read

mpl.use("Agg")
from matplotlib import pyplot
from matplotlib.axes import Axes

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "docs" / "results" / "errors.svg"
INK, GRID = "#222222", "#e4e4e4"


class Line(NamedTuple):
    """One curve: the best of these peers at each size."""

    label: str
    peers: tuple[str, ...]
    colour: str


PAPER = Line("best method of the LPLR paper", tuple(f"paper's {m}" for m in
             ("lplr", "lsvd", "dsvd", "nq")), "#2a9d62")  # fmt: skip
SVD = Line("truncated SVD, int4 to float16", ("SVD int4", "SVD int8", "SVD float16"), "#e07b1f")
SCALAR = Line("entropy-coded scalar quantizer", ("scalar",), "#8a5fb5")
OURS = Line(TOOL, (TOOL,), "#0b4f9e")
OF_FIELDS = (
    OURS,
    Line("SPERR", ("SPERR",), "#e07b1f"),
    Line("Tucker", ("Tucker",), "#2a9d62"),
    Line("SZ3", ("SZ3",), "#8a5fb5"),
    Line("zfp", ("zfp",), "#999999"),
)
OF_TABLES = (OURS, PAPER, SVD, SCALAR)
PANELS = (
    ("Flow (2-D Burgers)", "snapshots", "burgers", OF_FIELDS, (0.02, 1)),
    ("Sentence embeddings", "rate_distortion", "emb_wordnet", OF_TABLES, (0.1, 4)),
    ("Transformer weights", "rate_distortion", "minilm_l0_ffn_in", OF_TABLES, (0.1, 4)),
)


def draw(axes: Axes, found: Results, matrix: str, lines: tuple[Line, ...]) -> None:
    """The curves of one matrix."""
    for line in lines:
        best: dict[float, float] = {}
        for row in found.values():
            if row.matrix == matrix and row.peer in line.peers and row.error:
                best[row.bpc] = min(row.error, best.get(row.bpc, row.error))
        ours = line is OURS
        axes.loglog(
            *zip(*sorted(best.items()), strict=True),
            color=line.colour, label=line.label, linewidth=2.4 if ours else 1.3,
            marker="o", markersize=4.5 if ours else 2.5, zorder=3 if ours else 2,
        )  # fmt: skip


def main() -> None:
    mpl.rcParams.update({"svg.hashsalt": "lplr", "font.size": 9, "axes.edgecolor": "#888888",
                         "text.color": INK, "axes.labelcolor": INK})  # fmt: skip
    records = {
        name: read(HERE / name / "results.csv")[1] for name in ("rate_distortion", "snapshots")
    }
    figure, panels = pyplot.subplots(1, 3, figsize=(10.2, 3.6), layout="constrained")
    for axes, (title, record, matrix, lines, (least, most)) in zip(panels, PANELS, strict=True):
        draw(axes, records[record], matrix, lines)
        ticks = sorted(
            {row.bpc for row in records[record].values()
             if row.matrix == matrix and least <= row.bpc <= most}
        )  # fmt: skip
        axes.set_xticks(ticks, [f"{bpc:g}" for bpc in ticks])
        axes.minorticks_off()
        axes.set_xlim(least / 1.15, most * 1.15)
        axes.set_ylim(top=1.5)
        if record == "rate_distortion":
            axes.set_ylim(bottom=0.03)
            axes.set_yticks([0.03, 0.1, 0.3, 1], ["3 %", "10 %", "30 %", "100 %"])
        else:
            axes.set_yticks([1e-6, 1e-4, 1e-2, 1], ["0.0001 %", "0.01 %", "1 %", "100 %"])
        axes.set_title(title, fontsize=10.5)
        axes.set_xlabel("bits per coordinate, whole file")
        axes.grid(True, color=GRID, linewidth=0.7)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(fontsize=7.5, frameon=False, loc="lower left")
    panels[0].set_ylabel("relative error")
    OUT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(OUT, metadata={"Date": None})


if __name__ == "__main__":
    main()
