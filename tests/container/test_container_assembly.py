"""A matrix put together from metadata, tables and chunks, without a file."""

from __future__ import annotations

import dataclasses

import pytest
from lplr_samples import factorization, of_bases, with_basis

from lplrcli.container.assembly import assemble
from lplrcli.container.component_tables import pack_table
from lplrcli.container.metadata import describe
from lplrcli.container.writer import heads_of
from lplrcli.errors import CorruptSectionError

SAMPLES = {
    "factors": factorization(),
    "direct": factorization(mode="direct", quantizer="uniform"),
    "residual and means": factorization(
        (12, 5), (1, 1), "factors+residual", "trellis", means=("row", "column")
    ),
    "one basis": with_basis(),
    "two bases": dataclasses.replace(with_basis(), right=of_bases((3, 3), vectors=3)),
    "array": dataclasses.replace(factorization((12, 10)), array_shape=(3, 4, 10), unfold=2),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_what_was_described_is_put_together_again(name):
    whole = SAMPLES[name]
    tables = {side: pack_table(side, part) for side, part in whole.parts.items()}
    document = describe(whole, {side: len(table) for side, table in tables.items()})
    asked = []

    def chunks(side, record, table):
        part = whole.parts[side]
        assert (record["length"], table) == (part.length, part.coding_parameters)
        asked.append(side)
        return part.chunks

    found = assemble(document, heads_of(whole)["COMP"], chunks)
    assert found == whole
    assert sorted(asked) == sorted(whole.parts)


def test_a_wrong_table_is_refused():
    whole = SAMPLES["factors"]
    heads = heads_of(whole)
    lengths = {side: len(pack_table(side, part)) for side, part in whole.parts.items()}
    spoilt = b"\0" + heads["COMP"][1:]
    with pytest.raises(CorruptSectionError, match="bits of factor left"):
        assemble(describe(whole, lengths), spoilt, lambda *_: [])
