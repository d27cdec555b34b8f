"""A file written again with another matrix in the place of one of its own."""

from __future__ import annotations

from typing import BinaryIO

from lplrcli.container.layout import INDEX, LAST, METADATA
from lplrcli.container.reader import Container
from lplrcli.container.section_writer import SectionWriter
from lplrcli.container.writer import heads_of, write_matrix
from lplrcli.model.compressed import Factorization


def rewrite_container(
    stream: BinaryIO, container: Container, matrix: int, factorization: Factorization
) -> int:
    """Copy a file, but for one matrix.

    Name, date and what a user keeps with that matrix stay. So does everything that is not of it,
    and ancillary sections of its own: their payloads are copied, whatever they are. The file is
    of the version that is written today.

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
    """
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
        payload = container.payload(section)
        copied = sections.next_section(section.tag, section.matrix, section.ordinal, payload)
        sections.write(copied, payload)
    return sections.finish()
