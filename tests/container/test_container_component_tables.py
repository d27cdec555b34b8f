"""Component tables: every factor's part of section ``COMP``, packed and split again."""

from __future__ import annotations

import dataclasses

import pytest
import zstandard
from lplr_samples import factor

from lplrcli.container import component_tables
from lplrcli.container.byte_layout import CHUNK_TAGS
from lplrcli.container.component_tables import pack_table, split_tables, table_length
from lplrcli.errors import CorruptSectionError

QUANTIZERS = ["uniform", "normal", "deadzone", "trellis"]


def record_of(part, table):
    return {
        "components": part.components, "quantizer": part.quantizer,
        "coding": part.coding, "table_length": len(table),
    }  # fmt: skip


@pytest.mark.parametrize("quantizer", QUANTIZERS)
@pytest.mark.parametrize("components", [0, 1, 5])
def test_a_table_comes_back(quantizer, components):
    part = factor(9, (3,) * components, quantizer)
    table = pack_table("left", part)
    assert split_tables(table, {"left": record_of(part, table)}) == {
        "left": (part.coding_parameters, part.quantizer_parameters)
    }
    length = table_length(part.coding, quantizer, components)
    if part.coding == "packed":
        assert length == len(table)
        assert table == part.coding_parameters + part.quantizer_parameters
    else:
        assert length is None
        assert (
            zstandard.ZstdDecompressor().decompress(table)
            == part.coding_parameters + part.quantizer_parameters
        )


def test_factors_lie_in_the_order_of_their_chunks_whatever_the_order_of_the_metadata():
    parts = {
        name: factor(9, (2,) * (i + 1), QUANTIZERS[i % 4], seed=i)
        for i, name in enumerate(CHUNK_TAGS)
    }
    tables = {name: pack_table(name, part) for name, part in parts.items()}
    records = {name: record_of(parts[name], tables[name]) for name in sorted(parts)}
    found = split_tables(b"".join(tables.values()), records)
    assert list(found) == list(CHUNK_TAGS)
    assert found == {
        name: (part.coding_parameters, part.quantizer_parameters) for name, part in parts.items()
    }


@pytest.mark.parametrize("depth", [0, 17])
def test_codes_have_one_to_sixteen_bits(depth):
    part = factor(9, (3, 5), "normal")
    with pytest.raises(CorruptSectionError, match="bits of factor right"):
        pack_table("right", dataclasses.replace(part, coding_parameters=bytes([3, depth])))


def test_a_coding_goes_with_its_quantizers_only():
    part = dataclasses.replace(factor(9, (3,), "normal"), quantizer="trellis")
    with pytest.raises(CorruptSectionError, match="coding of factor left"):
        pack_table("left", part)


def test_what_inflates_further_than_any_tables_is_refused_before_it_is(monkeypatch):
    part = factor(9, (3,), "trellis")
    bomb = zstandard.ZstdCompressor().compress(bytes(1 << 24))
    assert len(bomb) < 2000
    with pytest.raises(CorruptSectionError, match="tables of factor left: inflates too far"):
        split_tables(bomb, {"left": record_of(part, bomb)})
    monkeypatch.setattr(component_tables, "MAX_TABLES", 100)
    with pytest.raises(CorruptSectionError, match="length of tables"):
        pack_table("left", part)
