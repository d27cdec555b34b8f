"""Everything in a file that a reader could refuse: all of it is read, nothing is kept."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO

from lplrcli.coding import CODINGS
from lplrcli.container.byte_layout import (
    ALL_CHUNKS,
    CHUNK_TAGS,
    INDEX,
    KEPT,
    LAST,
    METADATA,
    TABLES,
)
from lplrcli.container.reader import Container, open_container
from lplrcli.container.salvage import salvage_container
from lplrcli.errors import ContainerError, CorruptSectionError
from lplrcli.pipeline.decode.kept_chunks import KeptRows
from lplrcli.pipeline.decode.memory_needs import require_for_verifying
from lplrcli.pipeline.integrity.lost_chunks import Observer, check_chunk, fault_of, lost_chunks
from lplrcli.runtime.parallel import ordered_map


@dataclass(frozen=True)
class Verification:
    """What was checked of a file, and what is wrong with it.

    Attributes
    ----------
    path : str
        Name of the file.
    file_bytes : int
        Its size.
    format_version : str or None
        As the file header says; None of a file that could not be opened.
    matrices, sections, chunks : int
        How many there are; of a file that could not be opened, how many were found. Chunks are
        sections too.
    damage : tuple of ContainerError
        Everything found to be wrong, at most one fault a section.
    """

    path: str
    file_bytes: int
    format_version: str | None = None
    matrices: int = 0
    sections: int = 0
    chunks: int = 0
    damage: tuple[ContainerError, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.damage


def verify(
    file: BinaryIO, path: str, threads: int = 1, observe: Observer | None = None
) -> Verification:
    """Check all of a file: structure, padding, checksums, metadata, tables, and every chunk.

    Chunks are decoded to their codes: no later step of decoding can fail. Each thread holds one.
    Where the file cannot be opened, what is left of it is checked all the same.

    Parameters
    ----------
    file : binary file
        Readable and seekable; left open.
    path : str
        Its name.
    threads : int
        Chunks are decoded in parallel.
    observe : callable, optional
        For a progress bar.

    Raises
    ------
    MemoryLimitError
        Less memory is allowed than a chunk needs.
    """
    try:
        container = open_container(file, path)
    except ContainerError as error:
        return _of_what_is_left(file, path, error, threads)
    total = len(container.sections)
    damage = []
    for done, fault in enumerate(ordered_map(fault_of, _checks(container, threads), threads), 1):
        if fault is not None:
            damage.append(fault)
        if observe is not None:
            observe(done, total - 2)
    return Verification(
        path=path,
        file_bytes=container.file_bytes,
        format_version=".".join(map(str, container.version)),
        matrices=container.count,
        sections=total,
        chunks=sum(section.tag in ALL_CHUNKS for section in container.sections),
        damage=tuple(damage),
    )


def _checks(container: Container, threads: int) -> Iterator[Callable[[], object]]:
    """For each section what is to be done; what opening the file checked is left out."""
    chunk_checks: dict[str, Callable[[int], object]] = {}
    failed: ContainerError | None = None
    for section in container.sections:
        if section.tag in (INDEX, LAST):
            continue
        if section.tag == METADATA:
            chunk_checks, failed = {}, None
            try:
                factorization = container.factorization(section.matrix)
            except ContainerError as error:
                failed = error
                yield partial(_refuse, error)
                continue
            require_for_verifying(factorization, threads, container.path)
            for side, factor in factorization.parts.items():
                coding = CODINGS[factor.coding].of(factor)
                chunk_checks[CHUNK_TAGS[side]] = partial(check_chunk, factor, coding)
            if factorization.kept is not None:
                chunk_checks[KEPT] = KeptRows(factorization).chunk
        if section.tag in chunk_checks:
            yield partial(chunk_checks[section.tag], section.ordinal)
        elif section.tag in (METADATA, TABLES) and (failed is None or failed.section == TABLES):
            yield _nothing  # it was read above, or is what was refused
        else:
            yield partial(container.check, section)


def _nothing() -> None:
    """Report nothing of what has been checked already."""


def _refuse(error: ContainerError) -> None:
    raise error


def _of_what_is_left(
    file: BinaryIO, path: str, error: ContainerError, threads: int
) -> Verification:
    """What is wrong with a file that cannot be opened, and what with its parts."""
    found = Verification(path, file.seek(0, io.SEEK_END), damage=(error,))
    if not isinstance(error, CorruptSectionError):
        return found
    try:
        salvage = salvage_container(file, path)
    except ContainerError:
        return found
    damage = list(salvage.damage)
    for i in salvage.matrices:
        try:
            factorization = salvage.factorization(i)
        except ContainerError as fault:
            damage.append(fault)
            continue
        require_for_verifying(factorization, threads, path)
        damage += [each.error for each in lost_chunks(factorization, threads)]
    return replace(
        found,
        matrices=len(salvage.matrices),
        sections=len(salvage.sections),
        chunks=sum(section.tag in ALL_CHUNKS for section in salvage.sections),
        damage=tuple(damage),
    )
