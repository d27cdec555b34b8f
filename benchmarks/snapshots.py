"""Simulation snapshots and photographs: the tool against compressors of fields.

Usage: python benchmarks/snapshots.py [--data NAME ...] [--peers NAME ...] [--reuse CSV ...]
           [--no-lplr] [--out FOLDER]

Two flows, solved by `simulations.py`, a snapshot a column, and two photographs. For each size of
`BPC` (8 times the bytes over n d) the least relative Frobenius error of each method in at most so
many bytes, and for each error of `ERRORS` the least size with at most that error. Peers are SZ3,
zfp and SPERR at the best of all their modes and predictors, on the matrix, on its transpose, and
for flows on arrays of three axes with time last and first; and a Tucker decomposition, see
`peers_tucker.py`. The tool is run as a command, and sizes are those of whole files; of peers all
bytes count that they give to a container. Errors are measured in float64 on what was decoded.

Markdown tables go to standard output, rows to results.csv (equal sizes) and sizes.csv (equal
errors), and a plot of each matrix beside them. With --reuse, rows of peers are taken from such
files where they have them, and all rows of the tool are made anew.

Needs zfpy, pysz, hdf5plugin, scikit-image and matplotlib. The peers take an hour.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from measuring import lplr_command
from numpy.typing import NDArray
from peers import Cell
from peers_families import FieldPeer, FieldTask
from peers_fields import FieldSz3, FieldZfp, Sperr
from peers_tucker import Tucker
from rate_distortion_report import TOOL, Results, Row, losses, plot, read, table, write
from simulations import BURGERS, SHALLOW_WATER, burgers, shallow_water

OUT = Path(__file__).with_suffix("")
BPC = {
    "simulation": (0.02, 0.05, 0.1, 0.25, 0.5, 1.0),
    "photograph": (0.1, 0.14, 0.25, 0.5, 1.0, 2.0),
}
ERRORS = (0.03, 0.01, 0.003, 0.0003)
SIZE, ERROR = "bpc", "error at most"
UNREACHABLE = 4
"""Exit status of the tool where a target cannot be met."""
ROW_GRID = "--row-grid"
"""The option that tells the tool the grid of a column; None for a tool that has none."""

PEERS: dict[str, type[FieldPeer]] = {
    "SZ3": FieldSz3,
    "zfp": FieldZfp,
    "SPERR": Sperr,
    "Tucker": Tucker,
}
METHODS = [TOOL, *PEERS]


@dataclass(frozen=True)
class Source:
    """What is compressed, and the grid that a column is an instant of."""

    kind: str
    make: Callable[[], NDArray[np.float32]]
    grid: tuple[int, int] | None = None


def photograph(name: str) -> NDArray[np.float32]:
    """A picture of scikit-image as grey levels from 0 to 1."""
    from skimage import data

    return np.asarray(getattr(data, name)(), np.float32) / 255


SOURCES = {
    "burgers": Source("simulation", burgers, (BURGERS.side,) * 2),
    "shallow_water": Source("simulation", shallow_water, (SHALLOW_WATER.side,) * 2),
    "camera": Source("photograph", partial(photograph, "camera")),
    "coins": Source("photograph", partial(photograph, "coins")),
}


def tool(task: FieldTask, goal: list[str]) -> Cell | None:
    """What ``lplr compress`` makes of a matrix; None if it says that the goal cannot be met."""
    import lplrcli

    out = task.scratch / "tool.lplr"
    command = [*lplr_command(), "compress", str(task.path), *goal, "-f", "-q", "-o", str(out)]
    if ROW_GRID is not None and task.grid is not None:
        command += [ROW_GRID, "x".join(map(str, task.grid))]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode == UNREACHABLE:
        return None
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed ({done.returncode}):\n{done.stderr}")
    with lplrcli.open(out) as compressed:
        decoded = np.asarray(compressed, np.float64)
        return Cell(compressed.plan.mode, out.stat().st_size, task.error(decoded))


def measure(
    found: dict[str, Results], name: str, task: FieldTask, options: argparse.Namespace
) -> Iterator[None]:
    """Fill in what is missing for a matrix; a pause after each cell of a peer, and at the end."""
    kind = SOURCES[name].kind
    for peer in options.peers:
        # What is all there needs no coder: to make one can take long.
        goals = [(SIZE, bpc) for bpc in BPC[kind]] + [(ERROR, error) for error in ERRORS]
        missing = [(goal, most) for goal, most in goals if (name, most, peer) not in found[goal]]
        if not missing:
            continue
        coder = PEERS[peer](task)
        for goal, most in missing:
            if goal == SIZE:
                cell = coder.best(int(most * task.matrix.size / 8))
            else:
                cell = coder.smallest(most)
            found[goal][name, most, peer] = Row.of(name, kind, most, peer, cell)
            yield
    for bpc in () if options.no_lplr else BPC[kind]:
        cell = tool(task, ["--bpc", str(bpc)])
        if cell is not None and 8 * cell.size > bpc * task.matrix.size:
            print(f"{name}: {cell.size} bytes are more than {bpc} bpc", file=sys.stderr)
        found[SIZE][name, bpc, TOOL] = Row.of(name, kind, bpc, TOOL, cell)
    for error in () if options.no_lplr else ERRORS:
        cell = tool(task, ["--rel-error", str(error)])
        if cell is not None and cell.error > error:
            print(f"{name}: {cell.error} is more than {error}", file=sys.stderr)
        found[ERROR][name, error, TOOL] = Row.of(name, kind, error, TOOL, cell)
    yield


def bits_per_coordinate(entries: int, row: Row) -> float | None:
    return None if row.size is None else 8 * row.size / entries


def show(found: dict[str, Results], name: str, matrix: NDArray[np.float32], folder: Path) -> None:
    """Both tables of a matrix, and its plot."""
    kind = SOURCES[name].kind
    print(f"\n### {name}, {matrix.shape[0]}x{matrix.shape[1]}, {kind}\n\nErrors at equal sizes:\n")
    print(table(found[SIZE], name, list(BPC[kind]), METHODS, SIZE))
    print("\nBits per coordinate at equal errors:\n")
    bits = partial(bits_per_coordinate, matrix.size)
    print(table(found[ERROR], name, list(ERRORS), METHODS, ERROR, bits), flush=True)
    plot(found[SIZE], name, METHODS, folder)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("--data", nargs="+", choices=SOURCES, default=list(SOURCES), metavar="NAME",
        help=f"only these: {', '.join(SOURCES)}")  # fmt: skip
    add("--peers", nargs="*", choices=PEERS, default=list(PEERS), metavar="NAME",
        help=f"make only rows of these, or of none: {', '.join(PEERS)}")  # fmt: skip
    add("--no-lplr", action="store_true", help="leave out the tool itself")
    add("--reuse", type=Path, nargs="+", default=[], metavar="CSV",
        help="take the rows of peers from here; of two for one cell the later")  # fmt: skip
    add("--out", type=Path, default=OUT, metavar="FOLDER", help="where results go")
    return parser.parse_args()


def main() -> None:
    options = parse()
    options.out.mkdir(parents=True, exist_ok=True)
    found: dict[str, Results] = {SIZE: {}, ERROR: {}}
    for path in options.reuse:
        goal, rows = read(path)
        found[goal].update(rows)
    for name in options.data:
        source = SOURCES[name]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "matrix.npy")
            matrix = source.make()
            np.save(path, matrix)
            task = FieldTask(path, matrix, Path(folder), source.grid)
            for _ in measure(found, name, task, options):
                write(found[SIZE], options.out / "results.csv", METHODS, SIZE)
                write(found[ERROR], options.out / "sizes.csv", METHODS, ERROR)
        show(found, name, matrix, options.out)
    sizes = sorted({bpc for kind in BPC.values() for bpc in kind})
    print(losses(found[SIZE], options.data, sizes))


if __name__ == "__main__":
    main()
