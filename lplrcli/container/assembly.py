"""One matrix put together from its metadata, its tables and whoever has its chunks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from lplrcli.container.component_tables import split_tables
from lplrcli.container.metadata import plan_of, report_of
from lplrcli.model.compressed import Factorization, QuantizedFactor

ChunkSource = Callable[[str, dict[str, Any], bytes], Sequence[bytes]]
"""``chunks(side, record, tables)``: of a factor, given its metadata and its coding's parameters."""


def assemble(document: dict[str, Any], payload: bytes, chunks: ChunkSource) -> Factorization:
    """Put a matrix together.

    Parameters
    ----------
    document : dict
        Its metadata, checked.
    payload : bytes
        Of its section ``COMP``, as long as the metadata say.
    chunks : callable
        Gives the chunks of each factor.

    Raises
    ------
    CorruptSectionError
        A table is wrong.
    """
    records = document["factors"]
    factors = {}
    for side, (tables, parameters) in split_tables(payload, records).items():
        record = records[side]
        factors[side] = QuantizedFactor(
            length=record["length"],
            components=record["components"],
            quantizer=record["quantizer"],
            side=parameters,
            coding=record["coding"],
            tables=tables,
            transform=record["transform"],
            grid=tuple(record["grid"]),
            chunk_length=record["chunk_length"],
            chunks=chunks(side, record, tables),
        )
    for side in ("left", "right"):
        if side in factors:
            factors[side] = replace(factors[side], basis=factors.get(f"{side}_basis"))
    rows, columns = document["matrix"]["shape"]
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
    )
