"""Metadata of all matrices together: bounded by the size of the file, before they are inflated."""

from __future__ import annotations

import io

import pytest
from lplr_samples import Draft, factorization, written
from reference import decode, decoded

from lplrcli.container import metadata_budget
from lplrcli.container.reader import open_container
from lplrcli.container.salvage import salvage_container
from lplrcli.container.section_writer import SectionWriter
from lplrcli.container.writer import heads_of, write_matrix
from lplrcli.errors import CorruptSectionError


def test_metadata_of_all_matrices_together_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(metadata_budget, "MOST_TOGETHER", 1 << 20)
    monkeypatch.setattr(decode, "MOST_METADATA", 1 << 20)
    f = factorization((8, 8), (1,), "factors")
    heads = heads_of(f, user={"a": "x" * 250_000})
    sections = SectionWriter(io.BytesIO())
    for i in range(5):
        write_matrix(sections, i, f, heads)
    with pytest.raises(CorruptSectionError, match="all matrices"):
        sections.finish()
    spoilt = Draft(written(*[f] * 6))
    metas = [section for section in spoilt.sections if section.tag == b"META"]
    for section in metas[:4]:
        section.payload = heads["META"]
    # Of the fifth nothing is right but the size that it states: it is not inflated.
    metas[4].payload = heads["META"][:20] + bytes(200)
    raw = spoilt.build()
    with open_container(io.BytesIO(raw), "a.lplr") as container:
        for i in (0, 1, 2, 3, 0, 5):
            assert container.metadata(i)["array"]["shape"] == [8, 8]
        with pytest.raises(CorruptSectionError, match="all matrices") as caught:
            container.metadata(4)
        assert caught.value.offset == container.sections_of(4)["META"][0].offset
    salvage = salvage_container(io.BytesIO(raw[:-8]), "a.lplr")
    assert [salvage.factorization(i).shape for i in (0, 1, 2, 3, 0, 5)] == [(8, 8)] * 6
    with pytest.raises(CorruptSectionError, match="all matrices"):
        salvage.factorization(4)
    with pytest.raises(decode.LplrError, match="META, alone or with others: content over"):
        decoded(raw, tmp_path)


def test_a_large_file_may_have_more_metadata():
    assert decode.MOST_METADATA == metadata_budget.MOST_TOGETHER
    for file_bytes, most in ((1, 64 << 20), (8 << 20, 64 << 20), (10**9, 8 * 10**9)):
        metadata_budget.check_total(most, file_bytes)
        with pytest.raises(CorruptSectionError, match=str(most + 1)):
            metadata_budget.check_total(most + 1, file_bytes)
