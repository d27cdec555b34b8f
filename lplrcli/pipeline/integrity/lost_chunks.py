"""Chunks of a matrix that do not decode: each is tried, as far as anything can be wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from lplrcli.coding import CODINGS, Coding
from lplrcli.container.byte_layout import CHUNK_TAGS, KEPT
from lplrcli.container.salvage import SalvagedChunks
from lplrcli.errors import ContainerError, CorruptSectionError
from lplrcli.model.compressed import Factorization, QuantizedFactor
from lplrcli.pipeline.decode.factors import decode_codes
from lplrcli.pipeline.decode.kept_chunks import KeptRows
from lplrcli.runtime.parallel import ordered_map

Observer = Callable[[int, int], None]
"""Called with (sections done, sections in total)."""


@dataclass(frozen=True)
class LostChunks:
    """Chunks of one factor that follow one another and are lost for one reason.

    Attributes
    ----------
    factor : str
        As the metadata call it.
    numbers : range
        Numbers of the chunks.
    error : ContainerError
        Why they are lost: section, place in the file, what was found and what was expected.
    """

    factor: str
    numbers: range
    error: ContainerError

    @property
    def section(self) -> str:
        """Tag of the chunks."""
        return CHUNK_TAGS.get(self.factor, KEPT)


def lost_chunks(
    factorization: Factorization, threads: int, observe: Observer | None = None
) -> list[LostChunks]:
    """Chunks of a salvaged matrix that are missing or damaged.

    Parameters
    ----------
    factorization : Factorization
        The chunks of its factors are `lplrcli.container.salvage.SalvagedChunks`.
    threads : int
        Chunks are decoded in parallel.
    observe : callable, optional
        For a progress bar.
    """
    lost = []
    present = sum(len(chunks.present) for _, _, chunks in _salvaged(factorization))
    done = 0
    for side, check, chunks in _salvaged(factorization):
        for missing in chunks.missing:
            some = f"chunk {missing[0]} is" if len(missing) == 1 else _several(missing)
            what, section = f"{some} missing", CHUNK_TAGS.get(side, KEPT)
            error = CorruptSectionError(what, path=chunks.path, section=section)
            lost.append(LostChunks(side, missing, error))
        checks = (partial(check, number) for number in chunks.present)
        faults = ordered_map(fault_of, checks, threads)
        for number, fault in zip(chunks.present, faults, strict=True):
            if fault is not None:
                lost.append(LostChunks(side, range(number, number + 1), fault))
            done += 1
            if observe is not None:
                observe(done, present)
    order = [*CHUNK_TAGS, "kept"]
    return sorted(lost, key=lambda each: (order.index(each.factor), each.numbers[0]))


def check_chunk(factor: QuantizedFactor, coding: Coding, number: int) -> None:
    """Read a chunk and decode it to its codes; what follows cannot fail.

    Raises
    ------
    ContainerError
        If it is damaged.
    """
    decode_codes(factor, coding, number, factor.chunks[number])


def fault_of(check: Callable[[], Any]) -> ContainerError | None:
    """What a check finds."""
    try:
        check()
    except ContainerError as error:
        return error
    return None


def _salvaged(
    factorization: Factorization,
) -> Iterator[tuple[str, Callable[[int], Any], SalvagedChunks]]:
    """Yield the name of each part, what decodes a chunk of it, and its chunks."""
    parts: list[tuple[str, Callable[[int], Any], Sequence[bytes]]] = [
        (side, partial(check_chunk, factor, CODINGS[factor.coding].of(factor)), factor.chunks)
        for side, factor in factorization.parts.items()
    ]
    if factorization.kept is not None:
        parts.append(("kept", KeptRows(factorization).chunk, factorization.kept.chunks))
    for side, check, chunks in parts:
        if not isinstance(chunks, SalvagedChunks):
            raise TypeError("the chunks are not those of a salvaged file")
        yield side, check, chunks


def _several(numbers: range) -> str:
    return f"chunks {numbers[0]} to {numbers[-1]} are"
