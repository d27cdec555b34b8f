"""The rows, tables, plots and the list of lost cells of `rate_distortion.py`, `snapshots.py`."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from peers import Cell

TOOL = "lplr"
COLOURS = (
    "#1f77b4", "#4a9bd4", "#8cc0e8", "#b8d8f0", "#2ca02c", "#66c266", "#a3dba3",
    "#ff7f0e", "#9467bd", "#8c564b", "#d62728", "#e377c2",
)  # fmt: skip


class Row(NamedTuple):
    """One line of results.csv; without bytes and error where no setting fits the size."""

    matrix: str
    kind: str
    bpc: float
    peer: str
    settings: str
    size: int | None
    error: float | None

    @classmethod
    def of(cls, matrix: str, kind: str, bpc: float, peer: str, cell: Cell | None) -> Row:
        """A row of a result; errors to six digits, which is what other machines repeat."""
        if cell is None:
            return cls(matrix, kind, float(bpc), peer, "", None, None)
        error = float(f"{cell.error:.6g}")
        return cls(matrix, kind, float(bpc), peer, cell.settings, cell.size, error)

    @classmethod
    def read(cls, texts: list[str]) -> Row:
        """A row of a file."""
        matrix, kind, bpc, peer, settings, size, error = texts
        return cls(
            matrix, kind, float(bpc), peer, settings,
            int(size) if size else None, float(error) if error else None,
        )  # fmt: skip


Results = dict[tuple[str, float, str], Row]


def write(results: Results, path: Path, methods: list[str], goal: str = "bpc") -> None:
    """Rows in a fixed order; `goal` names the column of what was asked for."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(goal if field == "bpc" else field for field in Row._fields)
        writer.writerows(
            results[key] for key in sorted(results, key=lambda k: (k[0], k[1], methods.index(k[2])))
        )


def read(path: Path) -> tuple[str, Results]:
    """Undo `write`: the goal, and the rows."""
    with path.open(newline="") as file:
        header, *lines = csv.reader(file)
    rows = map(Row.read, lines)
    goal = header[Row._fields.index("bpc")]
    return goal, {(row.matrix, row.bpc, row.peer): row for row in rows}


def row_error(row: Row) -> float | None:
    """What tables show if nothing else is said."""
    return row.error


def table(
    results: Results,
    matrix: str,
    sizes: list[float],
    methods: list[str],
    goal: str = "bpc",
    shown: Callable[[Row], float | None] = row_error,
) -> str:
    """Errors of a matrix in Markdown, or what `shown` gives; the least of each size in bold."""
    found = {(r.peer, r.bpc): r for r in results.values() if r.matrix == matrix}
    columns = [float(bpc) for bpc in sizes]
    least = {}
    for bpc in columns:
        values = (shown(row) for row in found.values() if row.bpc == bpc)
        least[bpc] = min((value for value in values if value is not None), default=None)
    lines = [
        f"| {goal} | {' | '.join(f'{bpc:g}' for bpc in columns)} |",
        "|---|" + "--:|" * len(columns),
    ]
    for method in methods:
        if not any((method, bpc) in found for bpc in columns):
            continue
        cells = []
        for bpc in columns:
            row = found.get((method, bpc))
            value = None if row is None else shown(row)
            if value is None:
                cells.append("–")
            else:
                best = "**" if value == least[bpc] else ""
                cells.append(f"{best}{value:.4g}{best}")
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return "\n".join(lines)


def plot(results: Results, matrix: str, methods: list[str], folder: Path) -> None:
    """Error over bits per coordinate, both logarithmic, as an SVG that is the same every time."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update({"svg.hashsalt": "lplr", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 4.4), layout="constrained")
    styles = dict(zip(methods, ("black", *COLOURS)[: len(methods)], strict=True))
    for method, colour in styles.items():
        points = sorted(
            (r.bpc, r.error)
            for r in results.values()
            if r.matrix == matrix and r.peer == method and r.error
        )
        if points:
            (line,) = axes.loglog(*zip(*points, strict=True), color=colour, label=method)
            if method == TOOL:
                line.set(linewidth=2.2, marker="o", markersize=4, zorder=3)
    axes.set(title=matrix, xlabel="bits per coordinate, at most", ylabel="relative Frobenius error")
    ticks = sorted({r.bpc for r in results.values() if r.matrix == matrix})
    axes.set_xticks(ticks, [f"{bpc:g}" for bpc in ticks])
    axes.minorticks_off()
    # What is as good as exact, or worse than nothing, would press all else together.
    bottom, top = axes.get_ylim()
    axes.set_ylim(max(bottom, 1e-5), min(top, 1.5))
    axes.grid(True, which="major", color="#dddddd", linewidth=0.6)
    axes.legend(fontsize=7, frameon=False)
    name = re.sub(r"[^a-z0-9]+", "_", matrix.lower()).strip("_")
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
    pyplot.close(figure)


def summary(results: Results, matrices: list[str], sizes: list[float]) -> str:
    """One table of all matrices: the tool, the best of the paper's methods, the best other peer."""
    head = " | ".join(f"{float(bpc):g}" for bpc in sizes)
    lines = [f"| matrix | | {head} |", "|---|---|" + "--:|" * len(sizes)]
    for matrix in matrices:
        groups: dict[str, list[str]] = {TOOL: [], "paper": [], "others": []}
        for bpc in map(float, sizes):
            found = [
                row
                for row in results.values()
                if (row.matrix, row.bpc) == (matrix, bpc) and row.error is not None
            ]
            least = min((row.error for row in found if row.error is not None), default=None)
            for group, cells in groups.items():
                rows = [row for row in found if _group(row.peer) == group]
                best = min(rows, key=lambda row: float(row.error or 0), default=None)
                if best is None:
                    cells.append("–")
                    continue
                text = f"{best.error:.4g}"
                bold = f"**{text}**" if best.error == least else text
                cells.append(bold if group == TOOL else f"{bold} {best.peer.split()[-1]}")
        for number, (group, cells) in enumerate(groups.items()):
            lines.append(f"| {matrix if number == 0 else ''} | {group} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _group(peer: str) -> str:
    return TOOL if peer == TOOL else "paper" if peer.startswith("paper's") else "others"


def losses(results: Results, matrices: list[str], sizes: list[float]) -> str:
    """Every cell where peers have less error than the tool, with the ratios of errors."""
    parts = []
    for title, photographs, limit in (
        ("all but photographs, at most 4 bpc", False, 4.0),
        ("photographs", True, float("inf")),
    ):
        lines, count = [], 0
        for ours in [results.get((m, float(bpc), TOOL)) for m in matrices for bpc in sizes]:
            if ours is None or ours.bpc > limit or (ours.kind == "photograph") != photographs:
                continue
            count += 1
            error = float("inf") if ours.error is None else ours.error
            better = [
                (row.error, f"{row.peer} ({row.settings}) {row.error:.4g}, ratio {ratio:.3f}")
                for row in results.values()
                if (row.matrix, row.bpc) == (ours.matrix, ours.bpc)
                and row.error is not None
                and row.error < error
                for ratio in [error / row.error if row.error else float("inf")]
            ]
            if better:
                names = "; ".join(text for _, text in sorted(better))
                mine = "–" if ours.error is None else f"{error:.4g}"
                lines.append(f"- {ours.matrix}, {ours.bpc:g} bpc: {TOOL} {mine}; {names}")
        parts.append(f"\nA peer has less error, {title}: {len(lines)} of {count} cells\n")
        parts.extend(lines)
    return "\n".join(parts)
