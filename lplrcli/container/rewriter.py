"""A file written again with another matrix in the place of one of its own."""

from __future__ import annotations

from typing import BinaryIO

from lplrcli.container.byte_layout import INDEX, LAST, METADATA, VERSION, WHOLE_FILE, is_later
from lplrcli.container.reader import Container
from lplrcli.container.section_writer import SectionWriter
from lplrcli.container.writer import heads_of, write_matrix
from lplrcli.errors import UnsupportedVersionError
from lplrcli.model.compressed import Factorization


def check_rewritable(container: Container) -> None:
    """Check that all of a file is known, so that one part of it can be changed.

    Raises
    ------
    UnsupportedVersionError
        It is of a later minor version: readable, but what has to change with what is not known.
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


def rewrite_container(
    stream: BinaryIO, container: Container, matrix: int, factorization: Factorization
) -> int:
    """Copy a file, but for one matrix.

    Name, date and what a user keeps with that matrix stay. So does everything that is not of it,
    but for ancillary sections of it or of the whole file which may tell of what has changed:
    those whose tag calls them safe to copy are copied, whatever they are. The file is of the
    version that is written today.

    Parameters
    ----------
    stream : binary file
        Written forward only; not the file of `container`.
    container : Container
        The file to copy, open. One payload of it is held at a time.
    matrix : int
        Which matrix is replaced.
    factorization : Factorization
        By what. Its chunks may be those of `container`.

    Returns
    -------
    int
        Bytes written.

    Raises
    ------
    CorruptSectionError
        A section of the file is damaged, or the factorization is not one that a reader accepts.
    UnsupportedVersionError
        As `check_rewritable` says.
    """
    check_rewritable(container)
    document = container.metadata(matrix)
    heads = heads_of(
        factorization,
        name=document["array"].get("name"),
        created=document.get("created"),
        user=document.get("user"),
    )
    sections = SectionWriter(stream)
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
