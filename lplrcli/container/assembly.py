"""Assembly of a `Factorization` from metadata, component tables and a source of chunks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from lplrcli.container.component_tables import split_tables
from lplrcli.container.kept_layout import chunk_record, parse_counts
from lplrcli.container.metadata import plan_of, report_of
from lplrcli.model.compressed import Factorization, QuantizedFactor
from lplrcli.model.kept import KeptEntries

ChunkSource = Callable[[str, dict[str, Any], bytes], Sequence[bytes]]
"""Function ``chunks(side, record, tables)`` that gives the chunks of a factor, from its name, its
metadata and the parameters of its coding."""


def assemble(document: dict[str, Any], payload: bytes, chunks: ChunkSource) -> Factorization:
    """Build a matrix from the parts of its file.

    Parameters
    ----------
    document : dict
        Metadata of the matrix, checked.
    payload : bytes
        Payload of its section ``COMP``, as long as the metadata says.
    chunks : callable
        Function that gives the chunks of each factor.

    Returns
    -------
    Factorization
        The matrix; its chunks are those that `chunks` gives.

    Raises
    ------
    CorruptSectionError
        A table is wrong.
    """
    records = document["factors"]
    factors = {}
    rows, columns = document["matrix"]["shape"]
    kept = None
    if "kept" in document:
        record = document["kept"]
        kept = KeptEntries(
            form=record["form"],
            chunk_rows=record["chunk_rows"],
            entries=record["entries"],
            counts=parse_counts(payload, record, (rows, columns)),
            step=float(record["step"]) if "step" in record else None,
            chunks=chunks("kept", chunk_record(record, rows), b""),
        )
    for side, (tables, parameters) in split_tables(payload, records).items():
        record = records[side]
        factors[side] = QuantizedFactor(
            length=record["length"],
            components=record["components"],
            quantizer=record["quantizer"],
            quantizer_parameters=parameters,
            coding=record["coding"],
            coding_parameters=tables,
            transform=record["transform"],
            grid=tuple(record["grid"]),
            chunk_length=record["chunk_length"],
            chunks=chunks(side, record, tables),
        )
    for side in ("left", "right"):
        if side in factors:
            factors[side] = replace(factors[side], basis=factors.get(f"{side}_basis"))
    return Factorization(
        shape=(rows, columns),
        dtype=document["array"]["dtype"],
        left=factors.get("left"),
        right=factors.get("right"),
        residual=factors.get("residual"),
        plan=plan_of(document),
        report=report_of(document),
        source=document["source"],
        array_shape=tuple(document["array"]["shape"]),
        unfold=document["matrix"]["unfold"],
        mean_row=factors.get("mean_row"),
        mean_column=factors.get("mean_column"),
        kept=kept,
    )
