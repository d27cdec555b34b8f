"""The search for the best settings of compressors of fields, for a size or for an error.

Used by `peers_fields.py` and `peers_tucker.py`. A matrix whose column
is a grid at an instant is also an array of three axes, and of three with time first. A family of
settings is one algorithm on one view; its sizes and errors are first taken far apart. Then the
family that promises most between two known settings is tried there, again and again, until none
promises to be better than what is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import inf, log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from peers import Cell, Decoded, Peer, Task

Values = NDArray[np.float32]
Code = Callable[..., tuple[int, Decoded]]


class FieldTask(Task):
    """A matrix and its views; `grid` says how a column is laid out, None where it is a line."""

    def __init__(
        self, path: Path, matrix: Values, scratch: Path, grid: tuple[int, ...] | None
    ) -> None:
        super().__init__(path, matrix, scratch)
        self.grid = grid
        # Quarters of octaves between first tries: small arrays take no time.
        self.far = 1 if matrix.size < 1e6 else 8 if matrix.size < 1e7 else 16
        turned = np.ascontiguousarray(self.single.T)
        self.views: dict[str, Values] = {"2-D": self.single, "2-D transposed": turned}
        if grid is not None:
            instants = matrix.shape[1]
            self.views["3-D"] = self.single.reshape(*grid, instants)
            self.views["3-D time first"] = turned.reshape(instants, *grid)

    def error_of(self, view: str, decoded: Decoded) -> float:
        """Relative Frobenius error, which is the same in every view."""
        difference = np.subtract(self.views[view], decoded, dtype=np.float64).ravel()
        return float(np.sqrt(difference @ difference) / self.norm)


@dataclass(frozen=True)
class Family:
    """One algorithm on one view, over `settings` from coarse to fine: the size rises with them.

    Every `stride`-th is tried before any between them.
    """

    view: str
    algorithm: str
    code: Code
    text: Callable[[int], str]
    settings: range
    stride: int


@dataclass(frozen=True)
class Goal:
    """At most so many bytes and the least error, or at most an error and the least bytes."""

    most: float
    of_size: bool

    def given(self, cell: Cell) -> float:
        """What is bounded."""
        return cell.size if self.of_size else cell.error

    def sought(self, cell: Cell) -> float:
        """What is to be small."""
        return cell.error if self.of_size else cell.size

    def reached(self, cell: Cell) -> bool:
        """Whether only finer settings lie beyond: too large, or good enough."""
        return (self.given(cell) <= self.most) != self.of_size

    def best(self, known: dict[str, Cell]) -> Cell | None:
        """What meets the goal best."""
        fitting = (cell for cell in known.values() if self.given(cell) <= self.most)
        return min(fitting, key=self.sought, default=None)

    def part(self, coarse: Cell, fine: Cell) -> float:
        """Where the bound is met on the way from one cell to the other, by a power law."""
        if self.given(coarse) == self.given(fine) or fine.error == 0:
            return 0.5
        return log(self.most / self.given(coarse)) / log(self.given(fine) / self.given(coarse))

    def estimate(self, coarse: Cell, fine: Cell) -> float:
        """What is sought there: mostly too good, since errors fall faster the more bytes."""
        if fine.error == 0:
            return self.sought(coarse) / 2
        ratio = self.sought(fine) / self.sought(coarse)
        return float(self.sought(coarse) * ratio ** self.part(coarse, fine))


class FieldPeer(Peer):
    """A method with families of settings."""

    # A promise below this is not worth a try.
    GAIN = 0.005
    # A family is given up where others need so many times fewer bytes for no more error.
    HOPELESS = inf

    def __init__(self, task: FieldTask) -> None:
        super().__init__(task)
        self.field = task
        self.all = list(self.families())

    def families(self) -> Iterator[Family]:
        """The algorithms on the views."""
        raise NotImplementedError

    def cell(self, family: Family, place: int) -> Cell:
        """Encode, decode and compare with the setting at that place; once for each."""
        setting = family.settings[place]
        name = f"{family.view} {family.algorithm}{family.text(setting)}"
        return self.tried(name, family.view, partial(family.code, setting=setting))

    def tried(self, name: str, view: str, code: Callable[[Values], tuple[int, Decoded]]) -> Cell:
        """Encode, decode and compare; once for each name."""
        if name not in self.known:
            size, decoded = code(self.field.views[view])
            self.known[name] = Cell(name, size, self.field.error_of(view, decoded))
        return self.known[name]

    def best(self, budget: int) -> Cell | None:
        """Least error in at most `budget` bytes; None if nothing fits."""
        return self._search(Goal(budget, of_size=True))

    def smallest(self, error: float) -> Cell | None:
        """Least size with at most this error; None if nothing is as good."""
        return self._search(Goal(error, of_size=False))

    def _search(self, goal: Goal) -> Cell | None:
        """Try what may be the best for a goal, and give the best of all that was ever tried."""
        brackets = [(family, self._bracket(family, goal)) for family in self.all]
        promises = [
            (goal.estimate(self.cell(family, found[0]), self.cell(family, found[1])), family, found)
            for family, found in brackets
            if found is not None
        ]
        while promises:
            promise, family, (coarse, fine) = min(promises, key=lambda entry: entry[0])
            best = goal.best(self.known)
            if best is not None and promise > (1 - self.GAIN) * goal.sought(best):
                break
            promises = [entry for entry in promises if entry[1] is not family]
            if fine - coarse == 1:
                continue
            ends = self.cell(family, coarse), self.cell(family, fine)
            # A little off the likeliest place, so that one end soon is on the wanted side of it.
            guess = coarse + round(goal.part(*ends) * (fine - coarse)) + (-1 if goal.of_size else 1)
            middle = min(max(guess, coarse + 1), fine - 1)
            if goal.reached(self.cell(family, middle)):
                fine = middle
            else:
                coarse = middle
            ends = self.cell(family, coarse), self.cell(family, fine)
            promises.append((goal.estimate(*ends), family, (coarse, fine)))
        return goal.best(self.known)

    def _bracket(self, family: Family, goal: Goal) -> tuple[int, int] | None:
        """Two of every `stride`-th place: the finest before the goal is reached, and the next.

        From coarse to fine, since fine settings take longest; None if it is reached nowhere, or
        only with more bytes than are needed elsewhere.
        """
        for fine in range(0, len(family.settings), family.stride):
            if goal.reached(self.cell(family, fine)):
                return (fine - family.stride, fine) if fine else None
            best, cell = goal.best(self.known), self.cell(family, fine)
            if best is not None and not goal.of_size and cell.size > best.size:
                return None
            if any(
                other.error <= cell.error and other.size * self.HOPELESS <= cell.size
                for other in self.known.values()
            ):
                return None
        return None
