"""Rewriting of a file with one of its matrices replaced."""

from __future__ import annotations

from typing import BinaryIO

from lplrcli.container.byte_layout import INDEX, LAST, METADATA, VERSION, WHOLE_FILE, is_later
from lplrcli.container.reader import Container
from lplrcli.container.section_writer import SectionWriter
from lplrcli.container.versions import version_needed
from lplrcli.container.writer import heads_of, write_matrix
from lplrcli.errors import UnsupportedVersionError
from lplrcli.model.compressed import Factorization
from lplrcli.runtime.stages import WRITE, stage


def check_rewritable(container: Container) -> None:
    """Check that a file can be changed: everything in it must be known.

    Raises
    ------
    UnsupportedVersionError
        The file is of a later minor version, in which unknown parts may depend on known ones.
    """
    if is_later(container.version):
        found, known = (f"{major}.{minor}" for major, minor in (container.version, VERSION))
        raise UnsupportedVersionError(
            "a file of a later format version can be read, but not changed",
            path=container.path,
            offset=8,
            found=found,
            expected=f"{known} or earlier",
            advice=f"Install a version of lplrcli that writes format {found}.",
        )


@stage(WRITE)
def rewrite_container(
    stream: BinaryIO, container: Container, matrix: int, factorization: Factorization
) -> int:
    """Copy a file with one matrix replaced.

    The name, the date and the user's metadata of that matrix stay, and so do all other matrices.
    Ancillary sections about that matrix or the whole file are copied only if their tag calls them
    safe to copy; others may describe what has changed. The version of the new file is 1.0, or what
    it holds of a later one.

    Parameters
    ----------
    stream : binary file
        Stream to write to, forward only; not the file of `container`.
    container : Container
        Open file to copy. One payload of it is held at a time.
    matrix : int
        Number of the matrix that is replaced.
    factorization : Factorization
        New matrix. Its chunks may be those of `container`.

    Returns
    -------
    int
        Bytes written.

    Raises
    ------
    CorruptSectionError
        A section of the file is damaged, or a reader would not accept the factorization.
    UnsupportedVersionError
        The file is of a later minor version, see `check_rewritable`.
    """
    check_rewritable(container)
    document = container.metadata(matrix)
    heads = heads_of(
        factorization,
        name=document["array"].get("name"),
        created=document.get("created"),
        user=document.get("user"),
    )
    version = max(version_needed([factorization]), container.version)
    sections = SectionWriter(stream, version)
    for section in container.sections:
        if section.tag in (INDEX, LAST):
            continue
        if section.matrix == matrix and section.critical:
            if section.tag == METADATA:
                write_matrix(sections, matrix, factorization, heads)
            continue
        concerned = not section.critical and section.matrix in (matrix, WHOLE_FILE)
        if concerned and not section.safe_to_copy:
            continue
        payload = container.payload(section)
        copied = sections.next_section(section.tag, section.matrix, section.ordinal, payload)
        sections.write(copied, payload)
    return sections.finish()
